import { Mime } from 'mime'
import otherTypes from 'mime/types/other.js'
import standardTypes from 'mime/types/standard.js'

// One JSON text a line: in wide use, and not registered with IANA.
const mime = new Mime(standardTypes, otherTypes).define({ 'application/x-ndjson': ['ndjson', 'jsonl'] })

/**
 * Files without an extension whose type their specification says: what RFC 8615 puts under `.well-known/`, and what
 * Apple's systems look for at the top as well.
 */
const typesOfNames: readonly [name: RegExp, type: string][] = [
  [/^(?:\.well-known\/)?apple-app-site-association$/, 'application/json'],
  // RFC 8414, RFC 9728, OpenID Connect: the path of an issuer may come after it.
  [/^\.well-known\/(?:oauth-authorization-server|oauth-protected-resource)(?:\/[^.]+)?$/, 'application/json'],
  [/^\.well-known\/(?:openid-configuration|openid-credential-issuer)(?:\/[^.]+)?$/, 'application/json'],
  [/^\.well-known\/(?:nodeinfo|matrix\/(?:client|server|support))$/, 'application/json'],
  [/^\.well-known\/webfinger$/, 'application/jrd+json'], // RFC 7033
  [/^\.well-known\/host-meta$/, 'application/xrd+xml'] // RFC 6415
]

/** Returns the Content-Type of a file by its name; text is UTF-8. */
export function findContentType (name: string): string {
  const known = typesOfNames.find(([pattern]) => pattern.test(name))
  // The slash keeps mime from taking a file called `js` for an extension.
  const type = known?.[1] ?? mime.getType(`/${name}`) ?? 'application/octet-stream'
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
