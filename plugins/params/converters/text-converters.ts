import type { TString, TUnsafe } from 'typebox'
import { Type } from 'typebox'
import { checkOptions, isCount } from '../../../lib/check-options.ts'
import { adviseChoice, adviseLength, enterText, leaveOutUnreadable, orFillIn } from './advice.ts'
import type { Converter } from './converter.ts'
import { converterKey, pickDefault } from './converter.ts'

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
  /** The value of a missing parameter. Default: it may not be missing. */
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
  const { minLength = 1, maxLength = Infinity, multiline = false } = Object(options) as StringOptions // checked below
  checkOptions<StringOptions>('params', options, {
    minLength: { accepts: isCount, expected: 'a whole number from 0' },
    maxLength: {
      accepts: (value) => isCount(value) && value >= minLength,
      expected: 'a whole number not below minLength'
    },
    default: {
      accepts: (value) => typeof value === 'string' && fitsLength(value, minLength, maxLength),
      expected: 'a string within these lengths'
    },
    multiline: { accepts: (value) => typeof value === 'boolean', expected: 'true or false' }
  })

  // HTML sends CRLF and counts one character for it (HTML Standard, section 4.10.11, "API value").
  const normalize = (text: string): string => multiline ? text.replace(/\r\n?/g, '\n') : text
  const forbidden = multiline ? controlsButLines : controls
  const without = `without control characters${multiline ? ' other than tabs and line breaks' : ''}`
  return Type.String({
    minLength,
    ...(maxLength !== Infinity && { maxLength }),
    pattern: multiline ? withoutControlsButLines : withoutControls,
    ...pickDefault(options),
    [converterKey]: {
      type: 'string',
      expected: `text${describeLength(minLength, maxLength)} ${without}`,
      advise: orFillIn((given) => {
        if (typeof given !== 'string') return enterText
        const text = normalize(given)
        if (forbidden.test(text)) return leaveOutUnreadable
        return adviseLength(!fitsLength(text, minLength, Infinity), minLength, maxLength)
      }),
      read: (text) => {
        const value = normalize(text)
        return fitsLength(value, minLength, maxLength) && !forbidden.test(value) ? value : undefined
      },
      multiline
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
      advise: orFillIn(() => 'Please enter a UUID such as 123e4567-e89b-12d3-a456-426614174000'),
      read: (text) => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? text.toLowerCase() : undefined
    } satisfies Converter
  })
}

/** `.` or `..` between slashes of either kind, and the same as a part of a `pattern`. */
const dotSegment = /(?:^|[/\\])\.\.?(?:$|[/\\])/
const withoutDotSegments = '^(?!(?:[^/\\\\]*[/\\\\])*\\.\\.?(?:$|[/\\\\]))'

/**
 * Text that may hold slashes, for the wildcard `'*'`: at least one character, no control character,
 * and no segment `.` or `..`, whichever slash parts them, so that it cannot climb out of a folder.
 */
export function path (): TString {
  return Type.String({
    minLength: 1,
    // Whole, so that a program which reads the schema alone keeps a path from climbing, too.
    pattern: withoutDotSegments + withoutControls.slice(1),
    [converterKey]: {
      type: 'string',
      expected: 'a path without control characters and without "." or ".." between slashes',
      advise: orFillIn((given) => {
        if (typeof given !== 'string') return enterText
        return controls.test(given) ? leaveOutUnreadable : 'Please leave out "." and ".." between slashes'
      }),
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
      advise: () => adviseChoice(words),
      read: (text) => words.find((word) => word === text)
    } satisfies Converter
  }))
}

/** Compares a length in code points, and counts them only where UTF-16 units leave it open. */
function fitsLength (text: string, min: number, max: number): boolean {
  if (text.length < min || text.length > 2 * max) return false
  if (text.length >= 2 * min && text.length <= max) return true
  const length = [...text].length
  return length >= min && length <= max
}

function describeLength (min: number, max: number): string {
  if (max !== Infinity) return ` of ${min} to ${max} characters`
  if (min === 0) return ''
  return min === 1 ? ' of at least 1 character' : ` of at least ${min} characters`
}
