import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type Invalid, RereadFile } from './reread-file.ts'

/** Milliseconds between two looks at the files while no request comes. */
const lookPeriod = 10_000

/** The files that one registration reads its users and groups from. */
export class AccountFiles {
  readonly #log: FastifyBaseLogger
  readonly #files: Array<RereadFile<unknown>> = []
  #timer: NodeJS.Timeout | undefined

  constructor (app: FastifyInstance) {
    this.#log = app.log
    app.addHook('onClose', async () => clearInterval(this.#timer))
  }

  /** Reads a file, and looks at it until the app closes. Throws `Invalid`, as the class RereadFile does. */
  open<Content> (path: string, parse: (text: string) => Content, Invalid: Invalid): RereadFile<Content> {
    const file = new RereadFile(path, parse, this.#log, Invalid)
    this.#files.push(file)
    this.#timer ??= setInterval(() => this.#look(), lookPeriod).unref()
    return file
  }

  /** Whether one of them is missing, cannot be read, or is broken, so that what was read before is in force. */
  areUnreadable (): boolean {
    this.#look()
    return this.#files.some((file) => file.isUnreadable)
  }

  #look (): void {
    for (const file of this.#files) file.look()
  }
}
