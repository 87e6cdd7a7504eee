import type { FastifyRequest, RequestPayload } from 'fastify'
import { pipeline, Transform } from 'node:stream'

const urlencoded = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i
const multipart = /^\s*multipart\/form-data\s*(?:;|$)/i

/** Whether the body is a form of the kind that is percent-encoded. */
export function isUrlencoded ({ headers }: FastifyRequest): boolean {
  return urlencoded.test(headers['content-type'] ?? '')
}

/** Whether the body is a form of either kind that browsers send. */
export function isForm (request: FastifyRequest): boolean {
  return isUrlencoded(request) || multipart.test(request.headers['content-type'] ?? '')
}

/** The text of forms as it was sent. Their parsers give values alone, which no longer show what was malformed. */
export class FormTexts {
  readonly #chunks = new WeakMap<FastifyRequest, Buffer[]>()

  /** A stream of the same bytes, which are kept on their way to the form's parser. */
  keep (request: FastifyRequest, payload: RequestPayload): RequestPayload {
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

  /** What was kept; `''` where the body is not such a form. Bytes that are not UTF-8 become U+FFFD. */
  of (request: FastifyRequest): string {
    return Buffer.concat(this.#chunks.get(request) ?? []).toString()
  }
}
