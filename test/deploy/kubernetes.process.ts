import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js'
import type { Probe, Service } from 'kubernetes-types/core/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { parseAllDocuments } from 'yaml'
import { readSettings } from '../../app/settings/settings.ts'
import { start } from '../app/start.ts'
import { setEnvironment } from '../environment.ts'

const deploy = join(import.meta.dirname, '..', '..', 'deploy')
const text = readFileSync(join(deploy, 'kubernetes.yaml'), 'utf8')
const dockerfile = readFileSync(join(deploy, 'Dockerfile'), 'utf8')
// Kubernetes reads YAML 1.1, where 0440 is octal.
const parsed = parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as unknown)

/** The documents by their order. The first test checks that they are of these types. */
const [deployment, service, autoscaler, budget] =
  parsed as [Deployment, Service, HorizontalPodAutoscaler, PodDisruptionBudget]
const pod = deployment.spec!.template.spec! // each such part is there by the first test or by the test itself
const container = pod.containers[0]!
const labels = deployment.spec!.template.metadata!.labels!
const portNames = container.ports!.map(({ name }) => name)

t.test('each document is of its kind, without a field that Kubernetes does not know', async (t) => {
  const kinds = [
    ['apps/v1', 'Deployment'], ['core/v1', 'Service'], ['autoscaling/v2', 'HorizontalPodAutoscaler'],
    ['policy/v1', 'PodDisruptionBudget']
  ] as const
  t.equal(parsed.length, kinds.length)
  const source = kinds.map(([group, kind], index) => `
    import type { ${kind} } from 'kubernetes-types/${group}'
    export const document${index}: ${kind} = ${JSON.stringify(parsed[index])}`).join('')
  const folder = t.testdir({ 'documents.ts': source })
  const program = ts.createProgram([join(folder, 'documents.ts')], {
    noEmit: true,
    strict: true,
    types: [],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler
  })
  const problems = ts.getPreEmitDiagnostics(program)
  t.same(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [])
  t.equal(autoscaler.apiVersion, 'autoscaling/v2')
  for (const { metadata } of [service, autoscaler, budget]) t.equal(metadata?.name, deployment.metadata?.name)
})

t.test('all of them mean the same pods', async (t) => {
  t.same(deployment.spec?.selector.matchLabels, labels)
  t.same(service.spec?.selector, labels)
  t.same(budget.spec?.selector?.matchLabels, labels)
  t.same(autoscaler.spec?.scaleTargetRef, { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment.metadata?.name })
  t.ok(Number(budget.spec?.minAvailable) < Number(autoscaler.spec?.minReplicas), 'one of them may be taken away')
})

t.test('ports are those on which the app listens, and settings those that it knows', async (t) => {
  const env = Object.fromEntries(container.env!.map(({ name, value }) => [name, value]))
  const { QUICKSTART_USERS_FILE: usersFile = '' } = env
  setEnvironment(t, { ...env, QUICKSTART_USERS_FILE: join(t.testdir({ users: '' }), 'users') })
  const { metrics } = readSettings()
  const [, port] = /^ENV .*\bPORT=(\d+)/m.exec(dockerfile) ?? []
  const ports = Object.fromEntries(container.ports!.map(({ name, containerPort }) => [name, containerPort]))
  t.same(ports, { http: Number(port), metrics: metrics?.port })
  t.ok(portNames.includes(service.spec?.ports?.[0]?.targetPort as string))

  const [mount] = container.volumeMounts ?? []
  const [volume] = pod.volumes ?? []
  t.equal(mount?.name, volume?.name)
  t.equal(posix.dirname(usersFile), mount?.mountPath)
  const [, secret, file] = /create secret generic (\S+) --from-file=(\S+)/.exec(text) ?? []
  t.equal(secret, volume?.secret?.secretName)
  t.equal(file, posix.basename(usersFile))
  t.equal(volume?.secret?.defaultMode, 0o440, 'the group of the pod reads it, and nobody else')
  t.equal(pod.securityContext?.fsGroup, pod.securityContext?.runAsGroup)
})

t.test('probes ask for what the app answers without a login', async (t) => {
  const app = await start(t, {}, { QUICKSTART_PROTECT: '/*' })
  for (const probe of [container.startupProbe, container.readinessProbe] as Probe[]) {
    t.equal((await app.inject(String(probe.httpGet?.path))).statusCode, 200)
    t.ok(portNames.includes(probe.httpGet?.port as string))
  }
  t.ok(portNames.includes(container.livenessProbe?.tcpSocket?.port as string), 'a busy instance is not restarted')
  t.notOk(container.livenessProbe?.httpGet)
})

t.test('a pod has the time to stop that the app takes', async (t) => {
  setEnvironment(t, { NODE_ENV: 'production' })
  const { drainSeconds, graceSeconds } = readSettings().stop
  const [, seconds] = container.lifecycle?.preStop?.exec?.command ?? []
  t.ok(Number(deployment.spec?.template.spec?.terminationGracePeriodSeconds) >= Number(seconds) + graceSeconds)
  const { periodSeconds = 0, failureThreshold = 0 } = container.readinessProbe ?? {}
  t.ok(periodSeconds * failureThreshold <= drainSeconds, 'it is seen to leave within its drain')
})

t.test('a pod has what it needs and no more', async (t) => {
  t.ok(container.resources?.requests?.cpu, 'the autoscaler reckons with it')
  t.ok(container.resources?.requests?.memory)
  t.ok(container.resources?.limits?.memory)
  t.match(pod, { automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } })
  t.match(container.securityContext, {
    allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] }
  })
})
