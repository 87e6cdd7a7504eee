import type { TBoolean, TInteger, TNumber } from 'typebox'
import { Type } from 'typebox'
import { checkOptions } from '../../../lib/check-options.ts'
import { adviseNumber, chooseYesOrNo, orFillIn } from './advice.ts'
import type { Converter } from './converter.ts'
import { converterKey, pickDefault } from './converter.ts'

/** Options of {@link int} and {@link float}. */
export interface NumberOptions {
  /** The smallest value. Default for `int`: `Number.MIN_SAFE_INTEGER`; for `float`: none. */
  min?: number
  /** The largest value. Default for `int`: `Number.MAX_SAFE_INTEGER`; for `float`: none. */
  max?: number
  /** The value of a missing parameter. Default: it may not be missing. */
  default?: number
}

/**
 * A whole number: an optional minus and the digits 0 to 9, nothing else, in the range that a JavaScript number holds
 * exactly.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function int (options: NumberOptions = {}): TInteger {
  const given = Object(options) as NumberOptions // checked below
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = given
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
    ...pickDefault(options),
    [converterKey]: {
      type: 'number',
      expected: `a whole number from ${min} to ${max}`,
      advise: orFillIn((given) => adviseNumber('a whole number', { min, max, most: Number.MAX_SAFE_INTEGER }, given)),
      read: createNumberReader(/^-?\d+$/, min, max)
    } satisfies Converter
  })
}

/**
 * A number as HTML's number fields send it: `7`, `-0.5`, `.5`, `05`, `1e-9` (HTML Standard, section 2.3.4.3, "valid
 * floating-point number"), and `1.e3`, which Chromium takes for one.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function float (options: NumberOptions = {}): TNumber {
  const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = Object(options) as NumberOptions // checked below
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
    ...pickDefault(options),
    [converterKey]: {
      type: 'number',
      expected: `a decimal number${describeRange(options)}`,
      advise: orFillIn((given) => adviseNumber('a number', { min, max, most: Number.MAX_VALUE }, given)),
      // Beyond Number.MAX_VALUE a text reads as Infinity, which is past any max.
      read: createNumberReader(/^-?(?:\d+|\d*\.\d+|\d+\.(?=e))(?:e[+-]?\d+)?$/i, min, max)
    } satisfies Converter
  })
}

/** Options of {@link bool}. */
export interface BoolOptions {
  /** The value of a missing parameter. Default `false`: a form does not send a checkbox that is not ticked. */
  default?: boolean
}

/** The texts for yes and no. A browser sends `on` for a checkbox that has no value of its own. */
const truths = new Map([['on', true], ['true', true], ['1', true], ['off', false], ['false', false], ['0', false]])

/**
 * Yes or no, such as a checkbox: `on`, `true` and `1`, or `off`, `false` and `0`. In a form or a query that has it more
 * than once, the last one counts: a hidden field with `off` before a checkbox says that the box is not ticked.
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
      advise: () => chooseYesOrNo,
      read: (text) => truths.get(text),
      takesLast: true
    } satisfies Converter
  })
}

function createNumberReader (form: RegExp, min: number, max: number): (text: string) => number | undefined {
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

function describeRange ({ min, max }: NumberOptions): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return ` of at least ${min}`
  return max === undefined ? '' : ` of at most ${max}`
}
