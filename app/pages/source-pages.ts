import type { FastifyInstance, FastifyReply } from 'fastify'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { readBasePath } from '../../lib/router.ts'
import type { Switches, Topic } from '../settings/quickstart-options.ts'

/** The file to read next on a topic, below the package's folder. */
export const sourceOf: Readonly<Record<Topic, string>> = {
  hello: 'plugins/hello/index.ts',
  static: 'plugins/static/index.ts',
  templates: 'plugins/templates/index.ts',
  params: 'plugins/params/index.ts',
  auth: 'plugins/auth/index.ts'
}

/** The map of the sources, whose links lead to them. */
export const mapOfSources = 'docs/how-the-code-tells-it.md'

export interface SourcePagesOptions {
  /** The package's folder. */
  root: string
  on: Switches
}

/** A stretch of a source; with the URL of the file that it names, where that is shown too. */
interface Part {
  text: string
  href?: string
}

/**
 * Shows the sources as pages: each topic that is on at `/source/<topic>`, and each file that one comes to from there by
 * the links of its imports. A plugin that needs the view `source`.
 */
export async function addSourcePages (app: FastifyInstance, { root, on }: SourcePagesOptions): Promise<void> {
  const topics = (Object.keys(sourceOf) as Topic[]).filter((topic) => on[topic]) // its keys are the topics
  const files = new Set(listSources(root, topics))
  const base = `${readBasePath(app)}/source/`

  async function show (reply: FastifyReply, name: string): Promise<FastifyReply> {
    if (!files.has(name)) {
      reply.callNotFound()
      return reply
    }
    const text = await readFile(join(root, name), 'utf8')
    return reply.render('source', { name, parts: linkFiles(name, text, files, base) })
  }
  app.get<{ Params: { topic: string } }>('/source/:topic', async ({ params }, reply) => {
    const topic = topics.find((topic) => topic === params.topic)
    return await show(reply, topic === undefined ? params.topic : sourceOf[topic])
  })
  app.get<{ Params: { '*': string } }>('/source/*', async ({ params }, reply) => await show(reply, params['*']))
}

/** The files that are shown: what a topic that is off consists of is not. */
function listSources (root: string, topics: readonly Topic[]): string[] {
  const folders = ['app', 'lib', ...topics.map((topic) => `plugins/${topic}`)]
  const files = folders.flatMap((folder) => {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    return names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
  })
  return ['app.ts', 'routes.ts', mapOfSources, ...files]
}

/** A path that a file is imported by, or that a link of a document leads to. */
const path = /(?<=from '|import\('|\]\()\.{1,2}\/[^')#]+/g

/** Cuts a text where it names another file that is shown. */
function linkFiles (name: string, text: string, files: ReadonlySet<string>, base: string): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const { 0: named, index } of text.matchAll(path)) {
    const target = posix.join(posix.dirname(name), named)
    if (!files.has(target)) continue
    parts.push({ text: text.slice(end, index) }, { text: named, href: base + target })
    end = index + named.length
  }
  return [...parts, { text: text.slice(end) }]
}
