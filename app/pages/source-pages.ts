import type { FastifyInstance } from 'fastify'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Switches, Topic } from '../settings/quickstart-options.ts'

/** The file to read next on a topic, below the package's folder. */
export const sourceOf: Readonly<Record<Topic, string>> = {
  hello: 'plugins/hello/index.ts',
  static: 'plugins/static/index.ts',
  templates: 'plugins/templates/index.ts',
  params: 'plugins/params/index.ts',
  auth: 'plugins/auth/index.ts'
}

export interface SourcePagesOptions {
  /** The package's folder. */
  root: string
  on: Switches
}

/** Shows the source of each topic that is on, as a page: `/source/<topic>`. A plugin that needs the view `source`. */
export async function sourcePages (app: FastifyInstance, { root, on }: SourcePagesOptions): Promise<void> {
  if (!app.hasView('source')) return
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
