import type { FastifyReply, FastifyRequest } from 'fastify'

/** A file that knows how to answer. */
export interface ServedFile {
  /** @param asked the name it was asked for by: its own, or that with a fingerprint */
  send: (request: FastifyRequest, reply: FastifyReply, cacheControl: string, asked: string) => void | Promise<FastifyReply>
}

/** What a name in a URL leads to. */
export interface Found {
  readonly file: ServedFile
  readonly cacheControl: string
  readonly asked: string
}

/** The files under a root. */
export interface Collection {
  /** The file for a name in a URL, decoded; `undefined` when there is none. */
  find: (name: string) => Found | undefined
  /** The name to link a file by; `undefined` when there is no such file. */
  assetName: (name: string) => string | undefined
}
