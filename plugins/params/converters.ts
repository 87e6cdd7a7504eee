import type { TBoolean, TInteger, TNumber, TString, TUnsafe } from 'typebox'
import { Type } from 'typebox'
import { checkOptions } from '../options.js'

/** How a parameter's text becomes its value. */
export interface Converter {
  /** Completes "must be …", for the client that sent something else. */
  expected: string
  /** The value of a text, or `undefined` when the text is not one. */
  read: (text: string) => unknown
  /** The type of the value, which a JSON body may have in the place of its text. */
  type: 'string' | 'number' | 'boolean'
  /** Whether the text may have tabs and line breaks. */
  multiline?: boolean
}

/**
 * The key under which a schema carries its converter. A symbol, so that JSON Schema validators and OpenAPI generators
 * do not see it.
 */
const converterKey = Symbol('fastify-quickstart/params converter')

/** The converter of a schema that a function of this file made; `undefined` for any other schema. */
export function converterOf (schema: object): Converter | undefined {
  // Cast: any schema may be asked, and only those of this file have the key.
  return (schema as { [converterKey]?: Converter })[converterKey]
}

/** Text without the control characters U+0000–001F and U+007F–009F, in the dialect of JSON Schema's `pattern`. */
const withoutControls = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$'
const controls = /\p{Cc}/u

/** The same, but for tab (U+0009), line feed (U+000A) and carriage return (U+000D). */
const withoutControlsButLines = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$'
const controlsButLines = /(?![\t\n\r])\p{Cc}/u

/** Options of {@link string}. Lengths count Unicode characters (code points), as JSON Schema does. */
export interface StringOptions {
  /** The fewest characters. Default `1`; an empty parameter of the path is then a 404. */
  minLength?: number
  /** The most characters. Default: no limit but the router's `maxParamLength` in a path. */
  maxLength?: number
  /** What a missing parameter counts as. Default: it may not be missing. */
  default?: string
  /**
   * Takes tabs and line breaks, as a textarea sends them. Line breaks (CRLF, CR or LF) become LF, and are counted so.
   * Default `false`.
   */
  multiline?: boolean
}

/**
 * Text without control characters. A slash is text like any other (`%2F` in the URL).
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function string (options: StringOptions = {}): TString {
  const { minLength = 1, maxLength = Infinity, multiline = false } = options
  checkOptions<StringOptions>('params', options, {
    minLength: { accepts: isLength, expected: 'a whole number from 0' },
    maxLength: {
      accepts: (value) => isLength(value) && value >= minLength,
      expected: 'a whole number not below minLength'
    },
    default: {
      accepts: (value) => typeof value === 'string' && fitsLength(value, minLength, maxLength),
      expected: 'a string within these lengths'
    },
    multiline: { accepts: (value) => typeof value === 'boolean', expected: 'true or false' }
  })

  const forbidden = multiline ? controlsButLines : controls
  const without = `without control characters${multiline ? ' other than tabs and line breaks' : ''}`
  return Type.String({
    minLength,
    ...(maxLength !== Infinity && { maxLength }),
    pattern: multiline ? withoutControlsButLines : withoutControls,
    ...defaultOf(options),
    [converterKey]: {
      type: 'string',
      expected: `text${lengthInWords(minLength, maxLength)} ${without}`,
      read: (text) => {
        // HTML sends CRLF and counts one character for it (HTML Standard, section 4.10.11, "API value").
        const value = multiline ? text.replace(/\r\n?/g, '\n') : text
        return fitsLength(value, minLength, maxLength) && !forbidden.test(value) ? value : undefined
      },
      multiline
    } satisfies Converter
  })
}

/** Options of {@link int} and {@link float}. */
export interface NumberOptions {
  /** The smallest value. Default for `int`: `Number.MIN_SAFE_INTEGER`; for `float`: none. */
  min?: number
  /** The largest value. Default for `int`: `Number.MAX_SAFE_INTEGER`; for `float`: none. */
  max?: number
  /** What a missing parameter counts as. Default: it may not be missing. */
  default?: number
}

/**
 * A whole number: an optional minus and the digits 0 to 9, nothing else, in the range that a JavaScript number holds
 * exactly.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function int (options: NumberOptions = {}): TInteger {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options
  checkOptions<NumberOptions>('params', options, {
    min: { accepts: Number.isSafeInteger, expected: 'a whole number in the safe range' },
    max: {
      accepts: (value) => Number.isSafeInteger(value) && max >= min,
      expected: 'a whole number in the safe range, not below min'
    },
    default: {
      accepts: (value) => Number.isSafeInteger(value) && isBetween(value, min, max),
      expected: `a whole number from ${min} to ${max}`
    }
  })

  return Type.Integer({
    minimum: min,
    maximum: max,
    ...defaultOf(options),
    [converterKey]: {
      type: 'number',
      expected: `a whole number from ${min} to ${max}`,
      read: numberReader(/^-?\d+$/, min, max)
    } satisfies Converter
  })
}

/**
 * A number as JSON writes it (RFC 8259 section 6): `7`, `-0.5`, `1e-9`.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function float (options: NumberOptions = {}): TNumber {
  const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = options
  checkOptions<NumberOptions>('params', options, {
    min: { accepts: Number.isFinite, expected: 'a finite number' },
    max: {
      accepts: (value) => Number.isFinite(value) && max >= min,
      expected: 'a finite number, not below min'
    },
    default: { accepts: (value) => isBetween(value, min, max), expected: 'a finite number between min and max' }
  })

  return Type.Number({
    ...(options.min !== undefined && { minimum: min }),
    ...(options.max !== undefined && { maximum: max }),
    ...defaultOf(options),
    [converterKey]: {
      type: 'number',
      expected: `a decimal number${rangeInWords(options)}`,
      // Beyond Number.MAX_VALUE a text reads as Infinity, which is past any max.
      read: numberReader(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/, min, max)
    } satisfies Converter
  })
}

/** Options of {@link bool}. */
export interface BoolOptions {
  /** What a missing parameter counts as. Default `false`: a form does not send a checkbox that is not ticked. */
  default?: boolean
}

/** What counts as yes and no. A browser sends `on` for a checkbox that has no value of its own. */
const truths = new Map([['on', true], ['true', true], ['1', true], ['off', false], ['false', false], ['0', false]])

/**
 * Yes or no, such as a checkbox: `on`, `true` and `1`, or `off`, `false` and `0`.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function bool (options: BoolOptions = {}): TBoolean {
  checkOptions<BoolOptions>('params', options, {
    default: { accepts: (value) => typeof value === 'boolean', expected: 'true or false' }
  })
  return Type.Boolean({
    default: options.default ?? false,
    [converterKey]: {
      type: 'boolean',
      expected: 'on, true or 1, or off, false or 0',
      read: (text) => truths.get(text)
    } satisfies Converter
  })
}

/** A UUID of any version (RFC 9562 section 4), in either case; the handler gets lower case. */
export function uuid (): TString {
  return Type.String({
    pattern: '^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
    [converterKey]: {
      type: 'string',
      expected: 'a UUID such as 123e4567-e89b-12d3-a456-426614174000',
      read: (text) => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? text.toLowerCase() : undefined
    } satisfies Converter
  })
}

/** `.` or `..` between slashes of either kind. */
const dotSegment = /(?:^|[/\\])\.\.?(?:$|[/\\])/

/**
 * Text that may hold slashes, for the wildcard `'*'`: at least one character, no control character,
 * and no segment `.` or `..`, whichever slash parts them, so that it cannot climb out of a folder.
 */
export function path (): TString {
  return Type.String({
    minLength: 1,
    pattern: withoutControls,
    [converterKey]: {
      type: 'string',
      expected: 'a path without control characters and without "." or ".." between slashes',
      read: (text) => text === '' || controls.test(text) || dotSegment.test(text) ? undefined : text
    } satisfies Converter
  })
}

/**
 * One of the given words, exactly.
 *
 * ```ts
 * const unit = any('metre', 'foot')  // typed 'metre' | 'foot'
 * ```
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when there is no word, or one is not text
 */
export function any<const Word extends string> (...words: [Word, ...Word[]]): TUnsafe<Word> {
  checkOptions<{ words: Word[] }>('params', { words }, {
    words: {
      accepts: (value) => {
        const isWord = (word: unknown): boolean => typeof word === 'string' && word !== ''
        return Array.isArray(value) && value.length > 0 && value.every(isWord)
      },
      expected: 'one or more words to choose from'
    }
  })

  return Type.Unsafe<Word>(Type.String({
    enum: words,
    [converterKey]: {
      type: 'string',
      expected: `${words.length === 1 ? '' : 'one of '}${words.map((word) => `"${word}"`).join(', ')}`,
      read: (text) => words.find((word) => word === text)
    } satisfies Converter
  }))
}

function numberReader (form: RegExp, min: number, max: number): (text: string) => number | undefined {
  return (text) => {
    if (!form.test(text)) return undefined
    // Plus zero turns the "-0" of floating point into the zero that the client meant.
    const value = Number(text) + 0
    return isBetween(value, min, max) ? value : undefined
  }
}

function isBetween (value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

/** Compares a length in code points, and counts them only where UTF-16 units leave it open. */
function fitsLength (text: string, min: number, max: number): boolean {
  if (text.length < min || text.length > 2 * max) return false
  if (text.length >= 2 * min && text.length <= max) return true
  const length = [...text].length
  return length >= min && length <= max
}

function lengthInWords (min: number, max: number): string {
  if (max !== Infinity) return ` of ${min} to ${max} characters`
  if (min === 0) return ''
  return min === 1 ? ' of at least 1 character' : ` of at least ${min} characters`
}

function rangeInWords ({ min, max }: NumberOptions): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return ` of at least ${min}`
  return max === undefined ? '' : ` of at most ${max}`
}

function isLength (value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** `default` alone, and only when given: JSON Schema has no meaning for `default: undefined`. */
function defaultOf<Value> (options: { default?: Value }): { default?: Value } {
  return options.default === undefined ? {} : { default: options.default }
}
