import type { FastifyInstance } from 'fastify'
import type { RouterLimits } from './route-pattern.ts'

/** The router's settings, wherever the host gave them: in `routerOptions`, or beside it as before Fastify 5.5. */
export function routerLimits ({ initialConfig }: FastifyInstance): RouterLimits {
  const { routerOptions: router = {} } = initialConfig
  // 100 is Fastify's default, and stands in the place that the host did not use.
  const lengths = [router.maxParamLength, initialConfig.maxParamLength]
  return {
    maxParamLength: lengths.find((length) => length !== undefined && length !== 100) ?? 100,
    ignoreTrailingSlash: Boolean(router.ignoreTrailingSlash || initialConfig.ignoreTrailingSlash),
    ignoreDuplicateSlashes: Boolean(router.ignoreDuplicateSlashes || initialConfig.ignoreDuplicateSlashes)
  }
}

/** Finds the end of the path in a URL, as the router does. */
export function startOfQuery ({ initialConfig }: FastifyInstance): RegExp {
  // Cast: Fastify's types know the setting in its older place alone.
  const router = initialConfig.routerOptions as { useSemicolonDelimiter?: boolean } | undefined
  return router?.useSemicolonDelimiter || initialConfig.useSemicolonDelimiter ? /[?#;]|$/ : /[?#]|$/
}
