import type { ParamValue } from './url-query.ts'

/*
 * As lib/router.ts reads a declared path, in types: character by character, for a type has no other way.
 */

/**
 * The parameters of a path, as `urlFor` takes them: `PathParams<'/user/:username'>` is `{ username: ParamValue }`, and
 * `PathParams<'/post/:id'> & { id: number }` takes numbers alone. A wildcard's parameter is `'*'`. Those of a last
 * segment that is optional come together, or not at all.
 *
 * The path is the whole one, with the prefixes that the route stands under.
 */
export type PathParams<Path extends string> =
  string extends Path ? Record<string, ParamValue | undefined>
    : Path extends `${infer Declared}?` | `${infer Declared}?/` ? ParamsWithOptional<Declared>
      : ParamsOf<Names<Path>>

/**
 * The parameters of each path in an object of names and paths. Routes that take their paths from it agree with it:
 *
 * ```ts
 * const paths = { home: '/', user: '/user/:username' } as const
 *
 * declare module 'fastify-quickstart/params' {
 *   interface Routes extends RoutesFrom<typeof paths> {}
 * }
 *
 * app.get(paths.user, { config: { name: 'user' } }, async ({ params }) => params)
 * ```
 */
export type RoutesFrom<Paths extends Readonly<Record<string, string>>> = {
  [Name in keyof Paths]: PathParams<Paths[Name]>
}

type ParamsOf<Name extends string> = { [Key in Name]: ParamValue }

/** The same type, as an editor shows it best. */
type Flat<Type> = { [Key in keyof Type]: Type[Key] }

/** A `?` at the end makes a segment optional that begins with a parameter and has no pattern; else it is text. */
type ParamsWithOptional<Rest extends string, Before extends string = ''> =
  Rest extends `${infer Segment}/${infer More}` ? ParamsWithOptional<More, `${Before}${Segment}/`>
    : Rest extends `${string}${'(' | ')'}${string}` ? ParamsOf<Names<`${Before}${Rest}?`>>
      : Rest extends `:${string}`
        ? ParamsOf<Names<Before> | Names<Rest>> | Flat<ParamsOf<Names<Before>> & { [Key in Names<Rest>]?: undefined }>
        : ParamsOf<Names<`${Before}${Rest}?`>>

/** The names in a text outside of parameters. */
type Names<Path extends string, Found extends string = never> =
  Path extends `::${infer Rest}` ? Names<Rest, Found>
    : Path extends `:${infer Rest}` ? NamesInName<Rest, '', Found>
      : Path extends `*${string}` ? Found | '*'
        : Path extends `${string}${infer Rest}` ? Names<Rest, Found> : Found

/** The names from within one of them. It ends where a pattern, a text or another segment begins. */
type NamesInName<Path extends string, Name extends string, Found extends string> =
  Path extends `(${infer Rest}` ? NamesInPattern<Rest, [], Found | Name>
    : Path extends `${'/' | '-' | '.'}${string}` ? NamesInSegment<Path, Found | Name>
      : Path extends `${infer Character}${infer Rest}` ? NamesInName<Rest, `${Name}${Character}`, Found> : Found | Name

/** The names from within a parameter's pattern. A backslash escapes the character after it. */
type NamesInPattern<Path extends string, Depth extends unknown[], Found extends string> =
  Path extends `\\${string}${infer Rest}` ? NamesInPattern<Rest, Depth, Found>
    : Path extends `(${infer Rest}` ? NamesInPattern<Rest, [...Depth, unknown], Found>
      : Path extends `)${infer Rest}`
        ? Depth extends [unknown, ...infer Outer] ? NamesInPattern<Rest, Outer, Found> : NamesInSegment<Rest, Found>
        : Path extends `${string}${infer Rest}` ? NamesInPattern<Rest, Depth, Found> : Found

/** The names from the text behind a parameter. Up to the end of the segment a `*` is text too. */
type NamesInSegment<Path extends string, Found extends string> =
  Path extends `::${infer Rest}` ? NamesInSegment<Rest, Found>
    : Path extends `:${infer Rest}` ? NamesInName<Rest, '', Found>
      : Path extends `/${string}` ? Names<Path, Found>
        : Path extends `${string}${infer Rest}` ? NamesInSegment<Rest, Found> : Found
