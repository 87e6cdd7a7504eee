import type { Advise } from './advice.ts'

/** How a parameter's text becomes its value. */
export interface Converter {
  /** Completes "must be …", for the client that sent something else. */
  expected: string
  /** Tells a person what to enter instead. */
  advise: Advise
  /** The value of a text, or `undefined` when the text is not one. */
  read: (text: string) => unknown
  /** The type of the value, which a JSON body may have in the place of its text. */
  type: 'string' | 'number' | 'boolean'
  /** Whether the text may have tabs and line breaks. */
  multiline?: boolean
  /** Whether the last one counts where a form sends several, as it does for a hidden field before a checkbox. */
  takesLast?: boolean
}

/**
 * The key under which a schema carries its converter. A symbol, so that JSON Schema validators and OpenAPI generators
 * do not see it.
 */
export const converterKey = Symbol('fastify-quickstart/params converter')

/** Returns the converter of a schema that a converter function has made; `undefined` for any other schema. */
export function getConverter (schema: object): Converter | undefined {
  // Cast: any schema may be asked, and only those of converters have the key.
  return (schema as { [converterKey]?: Converter })[converterKey]
}

/** Returns `default` alone, and only when given: JSON Schema has no meaning for `default: undefined`. */
export function pickDefault<Value> (options: { default?: Value }): { default?: Value } {
  return options.default === undefined ? {} : { default: options.default }
}
