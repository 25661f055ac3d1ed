/**
 * A manifest of Kubernetes: pods from which a load comes, and the right to run commands in them. The user
 * applies it and deletes it; no operator is needed.
 *
 * @module
 */

/** What the manifest is to hold. */
export interface ManifestOptions {
  /** How many pods, each on a node of its own where there are so many. */
  readonly pods: number;
  /** CPUs of each, which it has for itself: a quantity of Kubernetes, such as `2` or `500m`. */
  readonly cpus: string;
  /** Memory of each, as `1Gi`. */
  readonly memory: string;
  /** The namespace that they are put into, which has to be there. */
  readonly namespace: string;
  /** The image: any that has `sh`, and `head`, `sha256sum` and `chmod` where wrk is to be copied to it. */
  readonly image: string;
}

/** What a manifest holds where nothing else is said. */
export const MANIFEST_DEFAULTS: ManifestOptions = {
  pods: 2,
  cpus: "2",
  memory: "1Gi",
  namespace: "default",
  image: "debian:12-slim",
};

/**
 * Renders the manifest as YAML, with comments that say how it is used. CPU and memory are requested and
 * limited alike, so that a pod has them for itself (the quality of service "Guaranteed").
 */
export function renderManifest(options: ManifestOptions): string {
  const names = Array.from({ length: options.pods }, (_, i) => `timewait-load-${i}`);
  const { namespace } = options;
  const hosts = names.map((name) => ` \\\n#     --host client='kubectl exec -i -n ${namespace} ${name} --'`)
    .join("");
  return `# Pods from which \`deno task bench\` makes its load. Nothing else runs in the cluster: no operator, no service.
#
#   kubectl apply -f FILE
#   kubectl -n ${namespace} wait --for=condition=Ready pod -l app=timewait-load
#   deno task bench --push${hosts} \\
#     --url http://MY_GATEWAY:8080/
#   kubectl delete -f FILE
#
# Whoever runs the bench needs the role below, in this namespace and in those of the gateway and the backend
# where these are watched: kubectl create -n ${namespace} rolebinding timewait --role=timewait --user=ME
# Nothing in a pod shows NetworkPolicies: kubectl get networkpolicies --all-namespaces
${[role(namespace), ...names.map((name) => pod(name, options))].join("---\n")}`;
}

const role = (namespace: string) =>
  `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: timewait
  namespace: ${namespace}
rules:
  - apiGroups: [""]
    resources: ["pods"]
    verbs: ["get"]
  # Since 1.30 kubectl asks for "get" where it asked for "create" before (kubernetes#133515).
  - apiGroups: [""]
    resources: ["pods/exec"]
    verbs: ["create", "get"]
`;

function pod(name: string, { namespace, image, cpus, memory }: ManifestOptions): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: ${namespace}
  labels:
    app: timewait-load
  annotations:
    # The load is to meet the gateway itself, not a sidecar of a mesh.
    sidecar.istio.io/inject: "false"
    linkerd.io/inject: disabled
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 0
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          app: timewait-load
  securityContext:
    runAsNonRoot: true
    runAsUser: 65534
    runAsGroup: 65534
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: load
      image: ${image}
      # As the first process of the pod it has to wait for those that nobody else waits for.
      command: ["sh", "-c", "while :; do sleep 3600 & wait; done"]
      resources:
        requests: { cpu: "${cpus}", memory: ${memory} }
        limits: { cpu: "${cpus}", memory: ${memory} }
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: ["ALL"]
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
  volumes:
    - name: tmp
      emptyDir:
        medium: Memory
        sizeLimit: 256Mi
`;
}
