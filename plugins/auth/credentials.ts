import type { FastifyRequest } from 'fastify'
import { maxNameBytes, maxPasswordBytes } from './password-hash.js'

/**
 * Longest Authorization header. The longest name and password there may be take 1,714 characters; what is
 * longer is refused before anything looks into it.
 */
const maxHeaderLength = 2048

/**
 * The scheme, and base64 in either alphabet (RFC 4648 sections 4 and 5), with or without its padding. Node skips what else stands in there, and
 * a login that is read differently elsewhere is none.
 */
const form = /^basic +[a-z0-9+/_-]+={0,2}$/i

export function isBasic (authorization: string): boolean {
  return form.test(authorization)
}

/**
 * RFC 9110 section 11.6.2: one Authorization field. Node keeps the first of two and says nothing,
 * while a proxy in front may have gone by the second.
 */
export function isOneShortHeader (request: FastifyRequest): boolean {
  const { authorization } = request.headers
  if (authorization === undefined || authorization.length > maxHeaderLength) return false
  const { rawHeaders } = request.raw
  let fields = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const field = rawHeaders[index] as string // names stand at the even places
    if (field.length === 13 && field.toLowerCase() === 'authorization') fields++
  }
  return fields === 1
}

function isLonger (text: string, bytes: number): boolean {
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes
}

/** Whether somebody could have these: not too long, and made of bytes that were UTF-8 (U+FFFD stands for those that were not). */
export function arePossible (name: string, password: string): boolean {
  return !isLonger(name, maxNameBytes) && !isLonger(password, maxPasswordBytes) && !name.includes('\ufffd') && !password.includes('\ufffd')
}
