import mime from 'mime'

/** The Content-Type of a file by its name; text is UTF-8. */
export function contentType (name: string): string {
  // The slash keeps mime from taking a file called `js` for an extension.
  const type = mime.getType(`/${name}`) ?? 'application/octet-stream'
  return type.startsWith('text/') ? withCharset(type) : type
}

/** Made once for each type, not once for each file. */
const types = new Map<string, string>()

function withCharset (type: string): string {
  const made = types.get(type) ?? `${type}; charset=utf-8`
  types.set(type, made)
  return made
}

const compressible = /^text\/|[/+](?:json|xml|javascript|wasm|x-ndjson|rtf|postscript)$|^font\/(?:ttf|otf|collection)$|^application\/vnd\.ms-fontobject$|^image\/(?:bmp|vnd\.microsoft\.icon|x-icon)$/

/** Whether files of this type shrink: text and its like do; pictures, films and archives are compressed already. */
export function isCompressible (type: string): boolean {
  return compressible.test(type.split(';', 1)[0]!)
}
