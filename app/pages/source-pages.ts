import type { FastifyInstance } from 'fastify'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Switches, Topic } from '../settings/switches.ts'

/** The file to read next on a topic, below the package's folder. */
export const sourceOf: Readonly<Record<Topic, string>> = {
  hello: 'plugins/hello/index.ts',
  static: 'plugins/static/index.ts',
  templates: 'plugins/templates/index.ts',
  params: 'plugins/params/index.ts',
  auth: 'plugins/auth/index.ts'
}

/**
 * Shows the source of each topic that is on, as a page: `/source/<topic>`.
 *
 * @param root the package's folder
 */
export function showSources (app: FastifyInstance, root: string, on: Switches): void {
  const topics = Object.keys(sourceOf) as Topic[] // its keys are the topics
  const sources = new Map<string, string>(topics.filter((topic) => on[topic]).map((topic) => [topic, sourceOf[topic]]))
  app.get<{ Params: { topic: string } }>('/source/:topic', async ({ params }, reply) => {
    const name = sources.get(params.topic)
    if (name === undefined) {
      reply.callNotFound()
      return reply
    }
    return reply.render('source', { name, text: await readFile(join(root, name), 'utf8') })
  })
}
