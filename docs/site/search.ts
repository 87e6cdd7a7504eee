/** A part of a page that the search finds by itself. */
interface Section {
  anchor: string
  /** The headings above it, and its own at the end. */
  titles: string[]
  text: string
}

const heading = /<h([1-6])[^>]* id="([^"]*)"[^>]*>([^]*?) ?<a class="header-anchor"[^]*?<\/h\1>/g
const row = /<tr>\s*<td[^>]* id="([^"]+)"[^>]*>([^]*?)<\/td>([^]*?)<\/tr>/g

/** Returns the sections of a page: one for each heading, and one for each row of a table that has a name. */
export function splitIntoSections (html: string): Section[] {
  const headings = [...html.matchAll(heading)]
  const above: string[] = []
  return headings.flatMap(({ 0: { length }, 1: level, 2: anchor = '', 3: title = '', index }, place) => {
    const content = html.slice(index + length, headings[place + 1]?.index)
    above.splice(Number(level) - 1, Infinity, readText(title))
    const titles = above.filter(Boolean)
    const rows = [...content.matchAll(row)].map(([, id = '', name = '', others = '']) => {
      return { anchor: id, titles: [...titles, readText(name)], text: readText(others) }
    })
    return [{ anchor, titles, text: readText(content) }, ...rows]
  })
}

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&'
}

function readText (html: string): string {
  const text = html.replace(/<button[^]*?<\/button>|<span class="lang">.*?<\/span>/g, '').replace(/<[^>]*>/g, ' ')
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity]!).replace(/\s+/g, ' ').trim()
}
