import type { Test } from 'tap'
import { main } from '../../bin/main.ts'

/** Runs a command that ends by itself, within this process. */
export async function runHere (t: Test, args: string[]): Promise<{ exitCode: number, stdout: string, stderr: string }> {
  const stdout = t.capture(process.stdout, 'write', () => true)
  const stderr = t.capture(process.stderr, 'write', () => true)
  const exitCode = await main(args)
  stdout.restore()
  stderr.restore()
  const textOf = (calls: ReturnType<typeof stdout>) => calls.map(({ args: [text] }) => text).join('')
  return { exitCode, stdout: textOf(stdout()), stderr: textOf(stderr()) }
}
