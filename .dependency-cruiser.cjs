// The house's rules for imports, type imports included: `npm run lint:imports`.
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'No file needs another that needs it.',
      severity: 'error',
      from: {},
      to: { circular: true }
    },
    {
      name: 'topics-stand-alone',
      comment: 'A topic imports no other topic: two of them meet through a decorator, or in app.ts.',
      severity: 'error',
      from: { path: '^plugins/([^/]+)/' },
      to: { path: '^plugins/[^/]+/', pathNot: '^plugins/$1/' }
    },
    {
      name: 'topics-from-outside',
      comment: 'What app.ts, app/ and bin/ need of a topic is in its index.ts, or for two of them in internal.ts.',
      severity: 'error',
      from: { path: '^(?:app\\.ts$|app/|bin/)' },
      to: { path: '^plugins/[^/]+/', pathNot: '^plugins/(?:[^/]+/index|(?:auth|static)/internal)\\.ts$' }
    },
    {
      name: 'one-way',
      comment: 'bin → app.ts → app/ → plugins/ → lib/ → libraries.',
      severity: 'error',
      from: { path: '^(?:plugins|app)/' },
      to: { path: '^(?:app\\.ts$|bin/)' }
    },
    {
      name: 'lib-imports-nothing-of-ours',
      comment: 'lib/ is what more than one topic uses. Its files may use each other, and libraries.',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(?:[^/]+\\.ts$|app/|plugins/|bin/)' }
    },
    {
      name: 'rooms-do-not-import-their-story',
      comment: 'A room holds rules. The story that goes by them, in the folder around it, is none of their business.',
      severity: 'error',
      from: { path: '^(plugins/[^/]+|app)/[^/]+/' },
      to: {
        path: [
          '^$1/(?:index|routes|topics|server-options)\\.ts$',
          '^$1/(?:answer|asset|guard|login|page|demo-routes|request-input|url-for)\\.ts$'
        ]
      }
    },
    {
      name: 'templates-compiler-has-one-door',
      comment: 'All else knows compile/compile.ts alone, and the topic nothing of how JavaScript is parsed.',
      severity: 'error',
      from: { pathNot: '^plugins/templates/compile/' },
      to: { path: '^plugins/templates/compile/', pathNot: '^plugins/templates/compile/compile\\.ts$' }
    },
    {
      name: 'templates-parse-nothing-else',
      comment: 'Of the topic, the compiler alone uses acorn.',
      severity: 'error',
      from: { path: '^plugins/templates/', pathNot: '^plugins/templates/compile/' },
      to: { path: '^node_modules/acorn/' }
    },
    {
      name: 'templates-compiler-stands-alone',
      comment: 'The compiler knows neither the engine that runs its functions nor the story around it.',
      severity: 'error',
      from: { path: '^plugins/templates/compile/' },
      to: {
        path: '^(?:plugins/|lib/)',
        pathNot: '^(?:plugins/templates/compile/|lib/(?:excerpt|stack-frames)\\.ts$)'
      }
    },
    {
      name: 'plugins-need-no-app',
      comment: 'A plugin works alone.',
      severity: 'error',
      from: { path: '^plugins/' },
      to: { path: '^app/' }
    }
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' }
  }
}
