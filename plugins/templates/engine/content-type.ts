import mime from 'mime/lite'

/** Types of text that browsers and programs know by their names; a page is text. */
const textual = /^text\/|[/+](?:json|xml)$/

/**
 * Returns the Content-Type of a page by its name: `feed.xml` is XML, `robots.txt` plain text. A name with no ending, or
 * with one that stands for no kind of text (`v1.2`), is HTML.
 */
export function findContentType (name: string): string {
  // The slash keeps mime from taking a page called `js` for an ending.
  const type = mime.getType(`/${name}`)
  if (type === null || !textual.test(type)) return 'text/html; charset=utf-8'
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type
}
