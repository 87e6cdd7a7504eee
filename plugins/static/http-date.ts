const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const month = `(?<month>${months.join('|')})`
const time = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'

// RFC 9110 section 5.6.7: one format to send, two more to understand.
const formats = [
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`),
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`)
]

/** Returns the milliseconds since 1970 of an HTTP-date; `undefined` for other texts. Date.parse would take many. */
export function parseHttpDate (text: string): number | undefined {
  for (const format of formats) {
    const parts = format.exec(text)?.groups
    if (parts !== undefined) return toTime(parts)
  }
  return undefined
}

function toTime (parts: Record<string, string | undefined>): number | undefined {
  const year = parts.year!.length === 2 ? findNearestYear(Number(parts.year)) : Number(parts.year)
  const [day, hour, minute, second] = [parts.day, parts.hour, parts.minute, parts.second].map(Number)
  // The grammar goes from 00:00:00 to 23:59:60. Date has no leap second: it is the second before, and one more.
  const leap = second === 60 && hour === 23 && minute === 59 ? 1 : 0
  const date = new Date(Date.UTC(year, months.indexOf(parts.month!), day, hour, minute, second! - leap))
  // Date.UTC counts 31 June on to 1 July, 12:60 on to 13:00, and takes the years before 100 for 19xx.
  const exists = date.getUTCFullYear() === year && date.getUTCDate() === day &&
    date.getUTCHours() === hour && date.getUTCMinutes() === minute
  return exists ? date.getTime() + leap * 1000 : undefined
}

/** Section 5.6.7: a year of two digits that seems more than 50 years ahead lies in the past. */
function findNearestYear (twoDigits: number): number {
  const now = new Date().getUTCFullYear()
  const year = now - now % 100 + twoDigits
  return year > now + 50 ? year - 100 : year
}
