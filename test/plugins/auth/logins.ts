import * as argon2 from '@node-rs/argon2'
import * as bcrypt from '@node-rs/bcrypt'

/** The Authorization header of a login. */
export function basic (name: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` }
}

/** Hashes that take no time, unlike those a person should use. */
export const cheap = {
  argon2id: (password: string): string => argon2.hashSync(password, { memoryCost: 8, timeCost: 1 }),
  bcrypt: (password: string, version: '2a' | '2b' | '2y' = '2y'): string => bcrypt.hashSync(password, 4).replace(/^\$2[aby]/, () => `$${version}`)
}

/** A logger's stream that keeps its lines, as objects. */
export function logLines (): { lines: Array<Record<string, unknown>>, stream: { write: (line: string) => void } } {
  const lines: Array<Record<string, unknown>> = []
  return { lines, stream: { write (line) { lines.push(JSON.parse(line)) } } }
}
