const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const month = `(?<month>${months.join('|')})`
const time = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'

// RFC 9110 section 5.6.7: one format to send, two more to understand.
const formats = [
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`),
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`)
]

/** The milliseconds since 1970 of an HTTP-date; `undefined` for anything else, such as what Date.parse takes beside it. */
export function parseHttpDate (text: string): number | undefined {
  for (const format of formats) {
    const parts = format.exec(text)?.groups
    if (parts === undefined) continue
    const [year, day, hour, minute, second] = [parts.year, parts.day, parts.hour, parts.minute, parts.second].map(Number) as [number, number, number, number, number]
    const fullYear = parts.year!.length === 2 ? nearestCentury(year) : year
    const date = new Date(Date.UTC(fullYear, months.indexOf(parts.month!), day, hour, minute, second))
    // Date.UTC counts a 31 June on to 1 July, and takes the years before 100 for 19xx.
    const exists = date.getUTCFullYear() === fullYear && date.getUTCDate() === day && date.getUTCHours() === hour && date.getUTCMinutes() === minute
    return exists ? date.getTime() : undefined
  }
  return undefined
}

/** A year of two digits that seems more than 50 years ahead is the last one in the past that ends so (section 5.6.7). */
function nearestCentury (twoDigits: number): number {
  const now = new Date().getUTCFullYear()
  const year = now - now % 100 + twoDigits
  return year > now + 50 ? year - 100 : year
}
