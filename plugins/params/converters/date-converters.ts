import type { TString } from 'typebox'
import { Type } from 'typebox'
import { checkOptions } from '../../../lib/check-options.ts'
import { orFillIn } from './advice.ts'
import type { Converter } from './converter.ts'
import { converterKey } from './converter.ts'

/** Options of {@link date}, {@link time} and {@link datetime}: texts such as the converter takes. */
export interface DateOptions {
  /**
   * The earliest value. Default for `date`: `0001-01-01`; for `time`: `00:00`; for `datetime`: `0001-01-01T00:00`.
   */
  min?: string
  /**
   * The latest value. Default for `date`: `275760-09-13`, the last day that browsers and JavaScript have; for `time`:
   * `23:59:59.999`; for `datetime`: `275760-09-13T00:00`.
   */
  max?: string
  /** The value of a missing parameter. Default: it may not be missing. */
  default?: string
}

/**
 * A day as `<input type="date">` sends it: `2026-01-31` (HTML Standard, section 2.3.5.2, "valid date string"). The day
 * must exist. A year past 9999 has five or six digits.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function date (options: DateOptions = {}): TString {
  return createSchema(day, options)
}

/**
 * A time of day as `<input type="time">` sends it: `13:45`, `13:45:30`, `13:45:30.5` (HTML Standard, section 2.3.5.4,
 * "valid time string"). The handler gets the shortest text for it: `13:45:00` becomes `13:45`.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function time (options: DateOptions = {}): TString {
  return createSchema(timeOfDay, options)
}

/**
 * A day and a time, without a time zone, as `<input type="datetime-local">` sends them: `2026-01-31T13:45` (HTML
 * Standard, section 2.3.5.5, "valid normalized local date and time string"). The handler gets the shortest text for it.
 *
 * @throws `FST_QUICKSTART_PARAMS_INVALID_OPTION` when an option is unknown or does not fit
 */
export function datetime (options: DateOptions = {}): TString {
  return createSchema(dayAndTime, options)
}

/** What a converter of this file takes. */
interface Kind {
  what: string
  example: string
  /** The words before a limit that stands alone. */
  from: string
  to: string
  first: string
  last: string
  /** In the dialect of JSON Schema's `pattern`: the form, without the days that a month has. */
  pattern: string
  /** Returns the one text that stands for a value, so that equal values are equal texts. */
  read: (text: string) => string | undefined
}

const dayPattern = '\\d{4,6}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const timePattern = '(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,3})?)?'

const day: Kind = {
  what: 'a date',
  example: '2026-01-31',
  from: 'on or after',
  to: 'on or before',
  first: '0001-01-01',
  last: '275760-09-13',
  pattern: `^${dayPattern}$`,
  read: readDay
}
const timeOfDay: Kind = {
  what: 'a time',
  example: '13:45',
  from: 'at or after',
  to: 'at or before',
  first: '00:00',
  last: '23:59:59.999',
  pattern: `^${timePattern}$`,
  read: readTime
}
const dayAndTime: Kind = {
  what: 'a date and time',
  example: '2026-01-31T13:45',
  from: 'at or after',
  to: 'at or before',
  first: '0001-01-01T00:00',
  last: '275760-09-13T00:00',
  pattern: `^${dayPattern}T${timePattern}$`,
  read: (text) => {
    const [before, after] = splitOnce(text, 'T')
    const [day, time] = [readDay(before), readTime(after)]
    return day === undefined || time === undefined ? undefined : `${day}T${time}`
  }
}

function createSchema (kind: Kind, options: DateOptions): TString {
  const { what, example, pattern } = kind
  const read = (value: unknown): string | undefined => typeof value === 'string' ? kind.read(value) : undefined
  const given = Object(options) as DateOptions // checked below
  const { min = kind.first, max = kind.last } = { min: read(given.min), max: read(given.max) }
  const isBetween = (value: string | undefined): value is string => {
    return value !== undefined && !isBefore(value, min) && !isBefore(max, value)
  }
  const isValid = (value: unknown): boolean => read(value) !== undefined
  const accepted = `${what} such as ${example}`
  checkOptions<DateOptions>('params', options, {
    min: { accepts: isValid, expected: accepted },
    max: { accepts: (value) => isValid(value) && !isBefore(max, min), expected: `${accepted}, not before min` },
    default: { accepts: (value) => isBetween(read(value)), expected: `${accepted}, between min and max` }
  })

  const fallback = read(given.default)
  const expected = `${what}${describeRange(kind, read(given.min), read(given.max))}`
  return Type.String({
    pattern,
    ...(fallback !== undefined && { default: fallback }),
    [converterKey]: {
      type: 'string',
      expected,
      advise: orFillIn(() => `Please enter ${expected}`),
      read: (text) => {
        const value = read(text)
        return isBetween(value) ? value : undefined
      }
    } satisfies Converter
  })
}

function describeRange ({ example, from, to }: Kind, min: string | undefined, max: string | undefined): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return ` ${from} ${min}`
  return max === undefined ? ` such as ${example}` : ` ${to} ${max}`
}

/** Texts of one kind compare as texts, but for days of years with more digits. */
function isBefore (one: string, other: string): boolean {
  const digits = one.indexOf('-') - other.indexOf('-')
  return digits === 0 ? one < other : digits < 0
}

/** Returns the day without the zeros that a year may have before four digits; `undefined` for no day. */
function readDay (text: string): string | undefined {
  const [, year = '', month, day] = /^0*(\d{4,6})-(\d\d)-(\d\d)$/.exec(text) ?? []
  if (Number(year) === 0 || Number(day) === 0) return undefined
  return Number(day) <= countDays(Number(year), Number(month)) ? `${year}-${month}-${day}` : undefined
}

/** Returns the days of a month in the Gregorian calendar, and 0 where there is no such month. */
function countDays (year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return [0, 31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] ?? 0
}

/** Returns the time without seconds that are zero, and without zeros at the end of a fraction. */
function readTime (text: string): string | undefined {
  const [, minutes, seconds = '00', fraction = ''] =
    /^((?:[01]\d|2[0-3]):[0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3}))?)?$/.exec(text) ?? []
  if (minutes === undefined) return undefined
  const rest = fraction.replace(/0+$/, '')
  if (rest !== '') return `${minutes}:${seconds}.${rest}`
  return seconds === '00' ? minutes : `${minutes}:${seconds}`
}

function splitOnce (text: string, separator: string): [before: string, after: string] {
  const index = text.indexOf(separator)
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}
