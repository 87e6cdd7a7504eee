// The book for programs that read: https://llmstxt.org
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { documents, groups, placeOnSite, readText, relink } from './pages.ts'

/**
 * Writes `llms.txt`, which lists all pages, the Markdown of each page beside it, and `llms-full.txt`, which is the
 * whole book.
 *
 * @param base the path of the site, with a slash at both ends
 */
export function writeTexts (outDir: string, base: string, description: string): void {
  const lists = groups.map(([name, pages]) => {
    const items = pages.map(([file, title]) => {
      return `- [${title}](${base}${placeOnSite(file)}): ${readSummary(file)}`.replace(/: $/, '')
    })
    return `## ${name}\n\n${items.join('\n')}\n`
  })
  const whole = `All pages in one file: [llms-full.txt](${base}llms-full.txt)`
  const head = `# fastify-quickstart\n\n> ${description}\n\n${whole}\n`
  writeFileSync(join(outDir, 'llms.txt'), [head, ...lists].join('\n'))

  const texts = documents.map((file) => ({ file, text: relinkText(file, base) }))
  for (const { file, text } of texts) {
    const path = join(outDir, placeOnSite(file))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const book = texts.map(({ file, text }) => `<!-- ${base}${placeOnSite(file)} -->\n\n${text}`)
  writeFileSync(join(outDir, 'llms-full.txt'), book.join('\n'))
}

/** Sources are pages of the site alone, and have no Markdown beside them. Of a picture its words stay. */
function relinkText (file: string, base: string): string {
  const text = relink(file, readText(file), '.md', base).replace(/!\[([^\]]*)\]\([^)]*\)/g, '(A picture: $1)')
  return text.replace(/(\]\(\S*\/source\/[^)#]+)\.md(?=[)#])/g, '$1.html')
}

/** Returns the first sentence below a document's heading, without the marks of Markdown. */
function readSummary (file: string): string {
  const text = readText(file).replace(/^```[^]*?^```\n/gm, '')
  const [, paragraph = ''] = /^# [^\n]*\n+(?:!\[[^\n]*\n+)?([^\n#|][^]*?)\n\n/.exec(text) ?? []
  const plain = paragraph.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '').replace(/\s+/g, ' ')
  return /^.*?[.:](?= |$)/.exec(plain)?.[0].replace(/:$/, '.') ?? plain
}
