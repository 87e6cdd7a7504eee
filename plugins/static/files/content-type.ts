import { Mime } from 'mime'
import otherTypes from 'mime/types/other.js'
import standardTypes from 'mime/types/standard.js'

// One JSON text a line: in wide use, and not registered with IANA.
const mime = new Mime(standardTypes, otherTypes).define({ 'application/x-ndjson': ['ndjson', 'jsonl'] })

/** The Content-Type of a file by its name; text is UTF-8. */
export function contentType (name: string): string {
  // The slash keeps mime from taking a file called `js` for an extension.
  const type = mime.getType(`/${name}`) ?? 'application/octet-stream'
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type
}

const compressible = new RegExp([
  '^text/',
  '[/+](?:json|xml|javascript|wasm)$',
  '^application/(?:x-ndjson|json5|hjson|toml|sql|node|x-sh|x-tex|xml-dtd|rtf|postscript|vnd\\.apple\\.mpegurl)$',
  '^model/(?:obj|stl|mtl)$',
  '^font/(?:ttf|otf|collection)$',
  '^application/vnd\\.ms-fontobject$',
  '^image/(?:bmp|vnd\\.microsoft\\.icon|x-icon)$'
].join('|'))

/** Whether files of this type shrink: text and its like do; pictures, films and archives are compressed already. */
export function isCompressible (type: string): boolean {
  return compressible.test(type.split(';', 1)[0]!)
}
