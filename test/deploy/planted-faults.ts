/**
 * Faults to plant in the manifests, one at a time: each is a real mistake that `kubectl apply -k` would let through
 * or a cluster would answer only later. manifests.test.ts plants each and expects the checkers to say the words.
 */
export interface PlantedFault {
  title: string
  file: string
  /** The first occurrence is replaced. */
  find: string | RegExp
  replacement: string
  /** What the report must say. */
  says: RegExp
}

const api = 'base/api.yaml'
const gateway = 'base/gateway.yaml'
const web = 'base/web.yaml'
const base = 'base/kustomization.yaml'
const policies = 'base/internal-ports.yaml'
const example = 'overlays/example/kustomization.yaml'

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    title: 'a misspelt field',
    file: api,
    find: 'readinessProbe:',
    replacement: 'readynessProbe:',
    says: /unknown field .*readynessProbe/,
  },
  {
    title: 'a grace period left out',
    file: gateway,
    find: /^ {6}terminationGracePeriodSeconds: 45$/m,
    replacement: '',
    says: /killed after 30 s/,
  },
  {
    title: 'a version that was removed',
    file: api,
    find: 'policy/v1',
    replacement: 'policy/v1beta1',
    says: /policy\/v1beta1 has no such kind/,
  },
  {
    title: 'a kind in the wrong group',
    file: api,
    find: 'apps/v1',
    replacement: 'extensions/v1',
    says: /extensions\/v1 has no such kind/,
  },
  {
    title: 'a required field missing',
    file: web,
    find: /^ {2}selector:\n {4}matchLabels:\n.*\n/m,
    replacement: '',
    says: /fails "required".*selector/,
  },
  {
    title: 'a value outside its enumeration',
    file: api,
    find: 'type: RollingUpdate',
    replacement: 'type: Rolling',
    says: /strategy\/type fails "enum"/,
  },
  {
    title: 'a value of the wrong type',
    file: gateway,
    find: 'replicas: 2',
    replacement: 'replicas: two',
    says: /fails "type"/,
  },
  {
    title: 'a quantity that is none',
    file: api,
    find: 'memory: 192Mi',
    replacement: 'memory: 192MiB',
    says: /memory fails "format"/,
  },
  {
    title: 'a port out of range',
    file: web,
    find: 'port: 80\n',
    replacement: 'port: 80800\n',
    says: /80800 is no port/,
  },
  {
    title: 'a key given twice',
    file: gateway,
    find: 'replicas: 2',
    replacement: 'replicas: 2\n  replicas: 3',
    says: /unique|duplicate/i,
  },
  {
    title: 'a selector that misses its own pods',
    file: api,
    find: /matchLabels:\n {6}app.kubernetes.io\/name: api/,
    replacement: 'matchLabels:\n      app.kubernetes.io/name: apis',
    says: /does not match the labels of its own pods/,
  },
  {
    title: 'a service that selects nothing',
    file: gateway,
    find: /^spec:\n {2}selector:\n {4}app.kubernetes.io\/name: gateway/m,
    replacement: 'spec:\n  selector:\n    app.kubernetes.io/name: gate',
    says: /Service\/gateway: selects 0 workloads/,
  },
  {
    title: 'a service port that no container names',
    file: web,
    find: 'targetPort: http',
    replacement: 'targetPort: https',
    says: /no container port named https/,
  },
  {
    title: 'a service port by number',
    file: web,
    find: 'targetPort: http',
    replacement: 'targetPort: 8082',
    says: /targetPort is to be the name/,
  },
  {
    title: 'a port name that is too long',
    file: api,
    find: 'name: http\n',
    replacement: 'name: http-for-the-api\n',
    says: /is no port name/,
  },
  {
    title: 'a probe of a port that is not there',
    file: api,
    find: "path: '/readyz?exclude=redis', port: internal",
    replacement: "path: '/readyz?exclude=redis', port: web",
    says: /asks port web/,
  },
  {
    title: 'a liveness that depends on others',
    file: gateway,
    find: /livenessProbe:\n.*\/healthz/,
    replacement: 'livenessProbe:\n            httpGet: { path: /readyz',
    says: /liveness must not depend on others/,
  },
  {
    title: 'a ConfigMap that does not exist',
    file: api,
    find: 'name: api-config',
    replacement: 'name: apis-config',
    says: /no ConfigMap apis-config/,
  },
  {
    title: 'a secret key that does not exist',
    file: gateway,
    find: 'key: INTERNAL_TOKEN',
    replacement: 'key: INTERNAL_SECRET',
    says: /has no key INTERNAL_SECRET/,
  },
  {
    title: 'a secret that nothing makes',
    file: example,
    find: 'name: rhizom-secrets',
    replacement: 'name: rhizom-secret',
    says: /no Secret rhizom-secrets/,
  },
  {
    title: 'a setting that no process reads',
    file: base,
    find: 'LOG_LEVEL=info',
    replacement: 'LOGLEVEL=info',
    says: /LOGLEVEL is no setting/,
  },
  {
    title: 'a required setting left out',
    file: base,
    find: '- API_URL=http://api:8080',
    replacement: '',
    says: /API_URL is missing/,
  },
  {
    title: 'an url with the wrong port',
    file: base,
    find: 'API_URL=http://api:8080',
    replacement: 'API_URL=http://api:8088',
    says: /no port of a service here/,
  },
  {
    title: 'a listening port that the container does not offer',
    file: base,
    find: 'PORT=8081',
    replacement: 'PORT=8091',
    says: /PORT is 8091/,
  },
  {
    title: 'an internal port that the container does not offer',
    file: base,
    find: 'INTERNAL_PORT=9081',
    replacement: 'INTERNAL_PORT=9091',
    says: /INTERNAL_PORT is 9091/,
  },
  {
    title: 'a network policy for no pod',
    file: policies,
    find: /podSelector:\n {4}matchLabels:\n {6}app.kubernetes.io\/name: api/,
    replacement: 'podSelector:\n    matchLabels:\n      app.kubernetes.io/name: apis',
    says: /api-ports: selects 0 workloads/,
  },
  {
    title: 'a network policy for a port that no pod has',
    file: policies,
    find: 'port: internal',
    replacement: 'port: inside',
    says: /no container port named inside/,
  },
  {
    title: 'a grace period shorter than the drain',
    file: gateway,
    find: 'terminationGracePeriodSeconds: 45',
    replacement: 'terminationGracePeriodSeconds: 30',
    says: /killed after 30 s/,
  },
  {
    title: 'a budget that protects nothing',
    file: web,
    find: /maxUnavailable: 1\n(.*\n){3} {6}app.kubernetes.io\/name: web/,
    replacement: 'maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: site',
    says: /PodDisruptionBudget\/web: selects 0/,
  },
  {
    title: 'a rolling update with a gap',
    file: gateway,
    find: 'maxUnavailable: 0',
    replacement: 'maxUnavailable: 1',
    says: /may take a pod away/,
  },
  {
    title: 'a pod that may run as root',
    file: gateway,
    find: 'runAsNonRoot: true',
    replacement: 'runAsNonRoot: false',
    says: /may run as root/,
  },
  {
    title: 'a container that keeps its capabilities',
    file: api,
    find: 'drop: [ALL]',
    replacement: 'drop: [NET_RAW]',
    says: /keeps capabilities/,
  },
  {
    title: 'a container that may write to its image',
    file: web,
    find: 'readOnlyRootFilesystem: true',
    replacement: 'readOnlyRootFilesystem: false',
    says: /may write to its image/,
  },
  {
    title: 'no resources requested',
    file: web,
    find: 'requests: { cpu: 100m, memory: 64Mi }',
    replacement: 'requests: { cpu: 100m }',
    says: /requests no memory/,
  },
  {
    title: 'a secret written down',
    file: gateway,
    find: /- name: TOKEN_PUBLIC_KEYS\n {14}valueFrom:\n(.*\n){3}/,
    replacement: '- name: TOKEN_PUBLIC_KEYS\n              value: hunter2\n',
    says: /TOKEN_PUBLIC_KEYS is written down/,
  },
  {
    title: 'a mount of a volume that is not there',
    file: web,
    find: /- name: nginx-conf\n {14}mountPath/,
    replacement: '- name: nginx\n              mountPath',
    says: /mounts nginx, which is no volume/,
  },
  {
    title: 'a file that is not there',
    file: base,
    find: '- web.yaml',
    replacement: '- webb.yaml',
    says: /webb.yaml: missing/,
  },
  {
    title: 'a part of kustomize that was not checked',
    file: example,
    find: 'images:',
    replacement: 'namePrefix: test-\nimages:',
    says: /namePrefix is not known/,
  },
]
