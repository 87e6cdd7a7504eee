import createError from '@fastify/error'

export const PromClientMissing = createError(
  'FST_QUICKSTART_APP_PROM_CLIENT_MISSING',
  'QUICKSTART_METRICS needs the package prom-client: npm install prom-client --save-prod (on a server with --omit=dev)'
)

/** The package that counts for Prometheus. An app without metrics does without it. */
export type PromClient = typeof import('prom-client')

/** @throws `FST_QUICKSTART_APP_PROM_CLIENT_MISSING` when it is not installed */
export async function loadPromClient (): Promise<PromClient> {
  return await import('prom-client').catch(() => { throw new PromClientMissing() })
}
