import type { Switches, Topic } from './switches.js'

/** Something to try on the index page: a link, or a form with one text field. */
export interface Trial {
  label: string
  href: string
  /** For a form: the name, label and first value of its field. */
  field?: { name: string, label: string, value: string }
}

/** What the index page says of one topic. */
export interface Card {
  topic: Topic
  title: string
  text: string
  /** The file to read next. */
  source: string
  trials: Trial[]
}

/** Where the topics of an app answer. */
export interface Places {
  /** The prefix that the app is registered with, without a slash at its end. */
  prefix: string
  helloPath: string
  /** The URL of app.js, or undefined where there is none. */
  scriptUrl: string | undefined
  secretPath: string | false | undefined
  /** Whether the tutorial's own admin / secret is in force. */
  builtInUser: boolean
}

/** The cards of the topics that are on, in the order of the tutorial. */
export function cardsOf (switches: Switches, places: Places): Card[] {
  const { prefix } = places
  const cards: Card[] = [
    {
      topic: 'hello',
      title: 'Hello World',
      text: 'The smallest answer there is: one route, one line of plain text.',
      source: 'plugins/hello/index.ts',
      trials: [{ label: 'Say hello', href: prefix + places.helloPath }]
    },
    {
      topic: 'static',
      title: 'Static files',
      text: 'Everything in the folder public/: scripts, styles, pictures. In production they are compressed and answered from memory.',
      source: 'plugins/static/index.ts',
      trials: places.scriptUrl === undefined ? [] : [{ label: 'Read app.js', href: places.scriptUrl }]
    },
    {
      topic: 'templates',
      title: 'Templates',
      text: 'This page itself: views/index.eta within views/layout.eta. Every template is checked before the first visitor comes.',
      source: 'plugins/templates/index.ts',
      trials: [{ label: 'This page', href: `${prefix}/` }]
    },
    {
      topic: 'params',
      title: 'URL parameters',
      text: 'Values from the path, the query and forms arrive typed and checked, or are refused with a reason.',
      source: 'plugins/params/index.ts',
      trials: [
        { label: 'Greet alice', href: `${prefix}/user/alice` },
        { label: 'Post 42', href: `${prefix}/post/42` },
        { label: 'The rest of a path', href: `${prefix}/path/a/b/c` },
        { label: 'Search', href: `${prefix}/search?q=model&tag=fast&tag=small` },
        { label: 'Greet', href: `${prefix}/user`, field: { name: 'username', label: 'Your name', value: 'Grace Hopper' } }
      ]
    },
    {
      topic: 'auth',
      title: 'Login',
      text: places.builtInUser
        ? 'HTTP Basic authentication with hashed passwords. Here the name is admin and the password is secret; in production neither exists.'
        : 'HTTP Basic authentication with hashed passwords.',
      source: 'plugins/auth/index.ts',
      trials: typeof places.secretPath === 'string' ? [{ label: 'Open the secret page', href: prefix + places.secretPath }] : []
    }
  ]
  return cards.filter((card) => switches[card.topic] !== undefined)
}
