import { sourceOf } from './source-pages.ts'
import type { Switches, Topic } from '../settings/quickstart-options.ts'

/** Something to try on the index page: a link, or a form with one text field. */
export interface Trial {
  label: string
  href: string
  /** For a form: the name, label and first value of its field. */
  field?: { name: string, label: string, value: string }
}

/** A topic on the index page. */
export interface Card {
  topic: Topic
  title: string
  text: string
  /** The file to read next, where the app shows it: its name and URL. */
  source?: { name: string, href: string }
  trials: Trial[]
}

/** The URLs that the cards link to. */
export interface CardUrls {
  /** The prefix that the app is registered with, without a slash at its end. */
  prefix: string
  helloUrl: string
  /** The URL of app.js, or undefined where there is none. */
  scriptUrl: string | undefined
  /** The beginning of the sources' URLs, or undefined where they are not shown. */
  sourceUrl: string | undefined
  /** The page that needs a login, or undefined where there is none. */
  secretUrl: string | undefined
  /** Whether admin / secret, the login of the tutorial, is in force. */
  hasBuiltInLogin: boolean
}

/** The cards of the topics that are on, in the order of the tutorial. */
export function listCards (on: Switches, urls: CardUrls): Card[] {
  const { prefix, helloUrl, scriptUrl, secretUrl, sourceUrl, hasBuiltInLogin } = urls
  const cards: Array<Omit<Card, 'source'>> = [
    {
      topic: 'hello',
      title: 'Hello World',
      text: 'The smallest app: one route that answers one line of plain text.',
      trials: [{ label: 'Say hello', href: helloUrl }]
    },
    {
      topic: 'static',
      title: 'Static files',
      text: 'Everything in the folder public/: scripts, styles, pictures. ' +
        'In production they are compressed and answered from memory.',
      trials: scriptUrl === undefined ? [] : [{ label: 'Read app.js', href: scriptUrl }]
    },
    {
      topic: 'templates',
      title: 'Templates',
      text: 'This page is views/index.eta inside views/layout.eta. Every template is checked when the server starts.',
      trials: [{ label: 'This page', href: `${prefix}/` }]
    },
    {
      topic: 'params',
      title: 'URL parameters',
      text: 'Values from the path, the query and forms arrive typed and checked, or are refused with a reason.',
      trials: on.params?.routes === false
        ? []
        : [
            { label: 'Greet alice', href: `${prefix}/user/alice` },
            { label: 'Post 42', href: `${prefix}/post/42` },
            { label: 'The rest of a path', href: `${prefix}/path/a/b/c` },
            { label: 'Search', href: `${prefix}/search?q=model&tag=fast&tag=small` },
            {
              label: 'Greet',
              href: `${prefix}/user`,
              field: { name: 'username', label: 'Your name', value: 'Grace Hopper' }
            }
          ]
    },
    {
      topic: 'auth',
      title: 'Login',
      text: 'HTTP Basic authentication with hashed passwords.' + (hasBuiltInLogin
        ? ' Here the name is admin and the password is secret; they work on this machine alone, and not in production.'
        : ''),
      trials: secretUrl === undefined ? [] : [{ label: 'Open the secret page', href: secretUrl }]
    }
  ]
  return cards.filter(({ topic }) => on[topic] !== undefined).map((card) => {
    const { topic } = card
    return sourceUrl === undefined ? card : { ...card, source: { name: sourceOf[topic], href: sourceUrl + topic } }
  })
}
