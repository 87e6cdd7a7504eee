import type { FastifyInstance } from 'fastify'
import type { ViewHelpers } from './views.ts'

/** What every view can call: the decorators of other topics, which may be registered later, or never. */
export function makeHelpers (app: FastifyInstance): ViewHelpers {
  return { asset: backedBy('asset', 'static'), urlFor: backedBy('urlFor', 'params') }

  function backedBy (decorator: string, topic: string): (...args: unknown[]) => string {
    let found: ((...args: unknown[]) => string) | undefined
    return (...args) => {
      if (!app.hasDecorator(decorator)) {
        throw new Error(`it.${decorator}(…) needs the ${topic} topic: register fastify-quickstart/${topic}`)
      }
      found ??= app.getDecorator<(...args: unknown[]) => string>(decorator)
      return found(...args)
    }
  }
}
