import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import templates, { type TemplatesOptions } from '../../../plugins/templates/index.ts'

type Options = Omit<TemplatesOptions, 'root'> & { prefix?: string, production?: boolean, server?: FastifyServerOptions }

/** An app with the plugin, on templates that are given by name. */
export async function build (
  t: Test, files: Record<string, unknown>, { production = false, server, ...options }: Options = {}
): Promise<FastifyInstance & { root: string }> {
  const root = t.testdir(files as Parameters<Test['testdir']>[0])
  const app: FastifyInstance = Fastify(server)
  t.teardown(() => app.close())
  await register(app, { root, ...options }, production)
  return Object.assign(app, { root })
}

/** Registers the plugin as in production, or as while working on it. */
export async function register (
  app: FastifyInstance, options: TemplatesOptions & { prefix?: string }, production: boolean
): Promise<void> {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = production ? 'production' : 'test'
  try {
    await app.register(templates, options)
  } finally {
    process.env.NODE_ENV = before ?? 'test'
  }
}
