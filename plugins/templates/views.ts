import type { FastifyRequest } from 'fastify'

/**
 * The views of the host, each with the data that it takes. Empty until the host fills it in; from then on
 * `reply.render` accepts only these names with these data.
 *
 * ```ts
 * declare module 'fastify-quickstart/templates' {
 *   interface Views {
 *     index: { title: string }
 *     'admin/users': { users: string[], page?: number }
 *   }
 * }
 * ```
 */
export interface Views {}

/**
 * The values that option `context` adds to every view. Empty until the host fills it in, as `Views` is; then `context`
 * must give them.
 */
export interface ViewContext {}

/** The name of a view: any, until the host fills in `Views`. */
export type ViewName = keyof Views extends never ? string : keyof Views & string

/** The data a view takes: any object, until the host fills in `Views`. */
export type ViewData<Name extends ViewName> = Name extends keyof Views ? Views[Name] : object

/** The data of a call, which may be left out where the view needs none. */
export type ViewArguments<Name extends ViewName> =
  {} extends ViewData<Name> ? [data?: ViewData<Name>] : [data: ViewData<Name>]

/** Everything that a view finds in `it`. */
export type ViewScope<Name extends ViewName> =
  ViewHelpers & ViewFacts & ViewContext & ViewData<Name>

/** The facts of its request that every view finds in `it`. */
export interface ViewFacts {
  /** `request.user`: with the auth topic who is logged in, with `name` and `groups`, or null. */
  user: unknown
  /** Lets an inline script or style run under the root app's policy: `<script nonce="<%= it.nonce %>">`. */
  nonce: unknown
  /** The path and query of the request, so that a form or a login leads back here; empty for methods other than GET. */
  here: string
}

/** Functions that every view can call, as `it.asset('app.js')`. */
export interface ViewHelpers {
  /** The URL of a static file. Throws where the static topic is not registered. */
  asset: (name: string) => string
  /**
   * A script element with an import map, from the plain URLs of scripts to those of `asset`: `<%~ it.importmap() %>`
   * before the first module. Empty where there is nothing to map. Throws where the static topic is not registered.
   */
  importmap: (this: { nonce?: unknown }, imports?: Readonly<Record<string, string>>) => string
  /** The URL of a named route. Throws where the params topic is not registered. */
  urlFor: (name: string, ...rest: unknown[]) => string
}

/** A value, or a function that makes it for a request. */
export type PerRequest<Value> = Value | ((request: FastifyRequest) => Value | Promise<Value>)

/** The index route: a view, and its data or a function that makes them. */
export type IndexRoute = {
  [Name in ViewName]: {
    /** The path of the route, below the prefix. Default `'/'`. */
    path?: string
    /** The name of the view. */
    view: Name
  } & IndexData<ViewData<Name>>
}[ViewName]

/** The data of the index route, which may be left out where the view needs none. */
type IndexData<Data> = {} extends Data
  ? {
      /** What the view finds in `it`, or a function of the request that makes it. Default: nothing. */
      data?: PerRequest<Data>
    }
  : {
      /** What the view finds in `it`, or a function of the request that makes it. */
      data: PerRequest<Data>
    }
