import Fastify from 'fastify'
import type { PathParams, RouteName, RoutesFrom } from 'fastify-quickstart/params'
import { expect, test } from 'tstyche'

const paths = { post: '/team/:team/post/:id(^\\d+$)', map: '/map/:lat-:lon?', list: '/list/:page?', about: '/about' } as const
const morePaths = { file: '/files/*' } as const

declare module 'fastify-quickstart/params' {
  interface Routes {
    user: { username: string }
    year: { year: number }
    home: {}
    day: PathParams<'/day/:day'> & { day: number }
    tag: PathParams<'/tag/:tag'>
  }
  interface Routes extends RoutesFrom<typeof paths> {}
  interface Routes extends RoutesFrom<typeof morePaths> {} // as another file of the app would
}

const app = Fastify()

test('a route is one of those, with its parameters', () => {
  expect(app.urlFor('user', { username: 'alice' })).type.toBe<string>()
  expect(app.urlFor).type.toBeCallableWith('year', { year: 2026 })
  expect(app.urlFor).type.toBeCallableWith('home')
  expect(app.urlFor).type.toBeCallableWith('home', {}, { query: { page: 2 } })
})

test('another route, and wrong or missing parameters, are refused', () => {
  expect(app.urlFor).type.not.toBeCallableWith('users', { username: 'alice' })
  expect(app.urlFor).type.not.toBeCallableWith('user')
  expect(app.urlFor).type.not.toBeCallableWith('user', {})
  expect(app.urlFor).type.not.toBeCallableWith('user', { name: 'alice' })
  expect(app.urlFor).type.not.toBeCallableWith('year', { year: '2026' })
})

test('a route whose path is known has the parameters of its path', () => {
  expect(app.urlFor('post', { team: 'red', id: 5 })).type.toBe<string>()
  expect(app.urlFor).type.not.toBeCallableWith('post')
  expect(app.urlFor).type.not.toBeCallableWith('post', { team: 'red' })
  expect(app.urlFor).type.not.toBeCallableWith('post', { team: 'red', id: 5, page: 2 })
  expect(app.urlFor).type.not.toBeCallableWith('post', { team: 'red', id: undefined })
  expect(app.urlFor).type.not.toBeCallableWith('post', { team: 'red', id: new Date() })
  expect(app.urlFor).type.toBeCallableWith('tag', { tag: 'a' })
  expect(app.urlFor).type.not.toBeCallableWith('tag', { tags: 'a' })
  expect(app.get).type.toBeCallableWith(morePaths.file, { config: { name: 'file' } }, async () => 'a file')
  expect(app.urlFor).type.toBeCallableWith('file', { '*': 'a/b' })
  expect(app.urlFor).type.not.toBeCallableWith('file', { path: 'a/b' })
  expect(app.urlFor).type.toBeCallableWith('about')
  expect(app.urlFor).type.toBeCallableWith('about', {}, { absolute: 'https://example.org' })
  expect(app.urlFor).type.not.toBeCallableWith('about', { page: 2 })
})

test('optional parameters may be left out, together', () => {
  expect(app.urlFor).type.toBeCallableWith('map')
  expect(app.urlFor).type.toBeCallableWith('map', {}, { query: { zoom: 3 } })
  expect(app.urlFor).type.toBeCallableWith('map', { lat: 52, lon: 13 })
  expect(app.urlFor).type.not.toBeCallableWith('map', { lat: 52 })
  expect(app.urlFor).type.toBeCallableWith('list', { page: 2 as number | undefined })
})

test('a parameter may be narrowed', () => {
  expect(app.urlFor).type.toBeCallableWith('day', { day: 5 })
  expect(app.urlFor).type.not.toBeCallableWith('day', { day: '5' })
})

test('a route is named by one of those names', () => {
  expect<RouteName>().type.toBe<
    'user' | 'year' | 'home' | 'day' | 'tag' | 'post' | 'map' | 'list' | 'about' | 'file'
  >()
  expect(app.get).type.toBeCallableWith(paths.post, { config: { name: 'post' } }, async () => 'a post')
  expect(app.get).type.toBeCallableWith('/unnamed', { config: {} }, async () => 'no name')
  expect(app.get).type.not.toBeCallableWith('/posts', { config: { name: 'posts' } }, async () => 'posts')
})
