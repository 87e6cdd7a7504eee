import type { FastifyInstance } from 'fastify'

/** The state that a plugin keeps in each Fastify context that it is registered in. */
export interface PerContext<Own> {
  /** Keeps `own` in this context. Throws, as Fastify does, where this context has one already. */
  add: (app: FastifyInstance, own: Own) => void
  /** Returns the state of this very context. */
  own: (app: FastifyInstance) => Own | undefined
  /** Returns the state of this context, or else of the nearest one around it. */
  nearest: (app: FastifyInstance) => Own | undefined
  /** Returns the state of this context and then, from the inside out, that of each context around it. */
  all: (app: FastifyInstance) => readonly Own[]
}

/**
 * Creates the one place where a plugin keeps its state: a decorator under a symbol. A plugin that is registered again
 * in a nested context adds its own there, which comes first, and still finds what the contexts around it have.
 *
 * @param name the plugin's name, for error messages
 */
export function createPerContext<Own> (name: string): PerContext<Own> {
  const key = Symbol(name)
  const listOf = (app: FastifyInstance): readonly Own[] | undefined =>
    app.hasDecorator(key) ? app.getDecorator<readonly Own[]>(key) : undefined
  return {
    add: (app, own) => { app.decorate(key, [own, ...listOf(app) ?? []]) },
    own: (app) => Object.hasOwn(app, key) ? listOf(app)?.[0] : undefined,
    nearest: (app) => listOf(app)?.[0],
    all: (app) => listOf(app) ?? []
  }
}

/** Returns a context and those around it, from the inside out. The prototype of each is the one around it. */
export function listContextsAround (app: FastifyInstance): FastifyInstance[] {
  const around: FastifyInstance | object = Object.getPrototypeOf(app)
  // The outermost is a plain object.
  return 'register' in around ? [app, ...listContextsAround(around as FastifyInstance)] : [app]
}

/** Lists a context and those that were made in it so far. Fastify keeps them under a symbol that it does not export. */
export function listContextsIn (app: FastifyInstance): FastifyInstance[] {
  const keys = Object.getOwnPropertySymbols(app).filter(({ description }) => description === 'fastify.children')
  // Cast: the types do not know the symbol.
  const inside = keys.flatMap((key) => (app as unknown as Record<symbol, FastifyInstance[]>)[key]!)
  return [app, ...inside.flatMap(listContextsIn)]
}
