import { isUtf8 } from 'node:buffer'
import { pipeline, Transform } from 'node:stream'
import type { FastifyRequest, RequestPayload } from 'fastify'
import { isObject } from '../../../lib/check-options.ts'
import { listMalformedNames, suspiciousInForm } from './percent-encoding.ts'

const urlencoded = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i
const multipart = /^\s*multipart\/form-data\s*(?:;|$)/i
const json = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

/** Whether the body is a form of either kind that browsers send. */
export function isForm (request: FastifyRequest): boolean {
  return isOfType(request, urlencoded) || isOfType(request, multipart)
}

/** Whether the body is a form whose fields are percent-encoded. */
export function isPercentEncoded (request: FastifyRequest): boolean {
  return isOfType(request, urlencoded)
}

function isOfType ({ headers }: FastifyRequest, type: RegExp): boolean {
  return type.test(headers['content-type'] ?? '')
}

/** The bytes of bodies as they were sent. Parsers give values alone, which no longer show what was malformed. */
export class BodyTexts {
  readonly #chunks = new WeakMap<FastifyRequest, Buffer[]>()

  /** Returns a stream of the same bytes. Those of a form or of JSON are kept on their way to the parser. */
  keep (request: FastifyRequest, payload: RequestPayload): RequestPayload {
    if (!isOfType(request, urlencoded) && !isOfType(request, json)) return payload
    const { bodyLimit } = request.routeOptions
    const chunks: Buffer[] = []
    let length = 0
    this.#chunks.set(request, chunks)

    const copy = new Transform({
      transform (chunk: Buffer, encoding, done) {
        length += chunk.length
        // Past the limit Fastify answers 413, and nobody reads the text.
        if (length <= bodyLimit) chunks.push(chunk)
        done(null, chunk)
      }
    })
    // Fastify compares this with the Content-Length where a hook before this one has decompressed the body.
    Object.defineProperty(copy, 'receivedEncodedLength', { get: () => payload.receivedEncodedLength })
    // A failure of the payload destroys the copy with it, and Fastify answers that.
    pipeline(payload, copy, () => {})
    return copy
  }

  /**
   * Returns the names under which a body has what is not text.
   *
   * @param multiline the fields of a form whose values may have tabs and line breaks
   */
  listMalformedNames (request: FastifyRequest, multiline: ReadonlySet<string>): Iterable<string> {
    const bytes = Buffer.concat(this.#chunks.get(request) ?? [])
    if (isPercentEncoded(request)) return listMalformedNames(bytes.toString(), suspiciousInForm, multiline)
    if (isOfType(request, json)) return findMalformedInJson(bytes, request.body)
    return isOfType(request, multipart) ? findMalformedInFields(request.body) : []
  }
}

/** Bytes that are not UTF-8 are decoded to this. */
const lost = /\ufffd/
/** Half of a surrogate pair, which JSON can write and UTF-8 cannot hold. */
const loneSurrogate = /\p{Cs}/u

function findMalformedInJson (bytes: Buffer, body: unknown): string[] {
  if (!isUtf8(bytes)) {
    const names = findNames(body, lost)
    return names.length > 0 ? names : ['*']
  }
  // Few bodies have such an escape, and the others need no look at each text.
  return /\\ud[89a-f]/i.test(bytes.toString('latin1')) ? findNames(body, loneSurrogate) : []
}

/** Returns the names under which a body has a text, however deep, that an expression matches. */
function findNames (body: unknown, expression: RegExp): string[] {
  if (!isObject(body)) return hasText(body, expression) ? ['*'] : []
  return Object.entries(body).filter((entry) => hasText(entry, expression)).map(([name]) => name)
}

/** No recursion: what a client sends may be deeper than the stack. */
function hasText (value: unknown, expression: RegExp): boolean {
  const rest = [value]
  while (rest.length > 0) {
    const one = rest.pop()
    if (typeof one === 'string' && expression.test(one)) return true
    if (typeof one !== 'object' || one === null) continue
    for (const [name, inner] of Object.entries(one)) rest.push(name, inner)
  }
  return false
}

/** A name is text too. A file is not, and fields that are objects hold all others. */
function findMalformedInFields (body: unknown): string[] {
  const isLost = (value: unknown): boolean => typeof value === 'string' && lost.test(value)
  return Object.entries(Object(body)).filter((entry) => entry.flat().some(isLost)).map(([name]) => name)
}
