import type { FastifyContextConfig, FastifyInstance, onRequestHookHandler } from 'fastify'
import { loginNeeds } from '../plugins/auth/internal.ts'

/** A route as it is declared. A GET has a HEAD beside it, which Fastify declares by itself. */
export interface ListedRoute {
  methods: string[]
  path: string
  /** Which requests it is for beside its path, such as `host www.example.org`. */
  constraints: string[]
  name: string
  answeredBy: string
  /** The demand of its guards: `login`, `optional`, or groups. */
  needs: ReturnType<typeof loginNeeds>
}

/** The record that Fastify's router keeps of each method and path, and shows to `buildPrettyMeta`. */
interface RouterEntry {
  method: string
  path: string
  opts: { constraints: Record<string, unknown> }
  store: {
    config: FastifyContextConfig & { url: string, method: string | string[] }
    server: FastifyInstance
  } & Partial<Record<typeof guardedBy[number], onRequestHookHandler[] | null>>
}

/** The hooks that can be guards. */
const guardedBy = ['onRequest', 'preValidation', 'preHandler'] as const

/**
 * Lists the routes of a server with all hooks that they have, of the contexts around them too. Fastify tells these to
 * one function alone, which prepares what `printRoutes` shows; so that is where they are noted.
 */
export function createRouteList () {
  const entries: RouterEntry[] = []
  return {
    /** For the server whose routes are to be listed. */
    routerOptions: {
      buildPrettyMeta (entry: object) {
        // Copied, for the router changes it while it prints. Its fields are those of find-my-way and of Fastify.
        entries.push({ ...entry as RouterEntry })
        return {}
      }
    },
    /** Lists the routes of that server, which is ready. */
    read (app: FastifyInstance): ListedRoute[] {
      entries.length = 0
      app.printRoutes({ includeMeta: true })
      return listRoutes(entries)
    }
  }
}

/** Each declaration once, by path and then by method. */
function listRoutes (entries: readonly RouterEntry[]): ListedRoute[] {
  const found = entries.map((entry) => {
    const route = describe(entry)
    return { method: entry.method, place: JSON.stringify([entry.path, route.constraints]), route }
  })
  const gets = found.filter(({ method }) => method === 'GET')
  const getNeeds = new Map(gets.map(({ place, route }) => [place, route.needs]))
  const shown = found.filter(({ method, place, route }) => {
    // Of two that ask for the same, the GET stands for both.
    return method !== 'HEAD' || JSON.stringify(getNeeds.get(place)) !== JSON.stringify(route.needs)
  })
  // A declaration has an entry for each of its methods, and for each path of a parameter that may be missing.
  const routes = [...new Map(shown.map(({ route }) => [JSON.stringify(route), route])).values()]
  // No path holds a character below the space.
  const createKey = ({ path, methods, constraints }: ListedRoute) => `${path} ${methods.join()} ${constraints.join()}`
  return routes.sort((a, b) => createKey(a) < createKey(b) ? -1 : 1)
}

function describe ({ opts: { constraints }, store }: RouterEntry): ListedRoute {
  const { url, method, name = '', answeredBy = '' } = store.config
  const onRequest = guardedBy.flatMap((hook) => store[hook] ?? [])
  return {
    methods: [method].flat(),
    path: url,
    constraints: Object.entries(constraints).map(([name, value]) => `${name} ${String(value)}`),
    name,
    answeredBy,
    needs: loginNeeds(store.server, { url, config: store.config, onRequest })
  }
}
