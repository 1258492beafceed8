import type { GroupMemberView } from './placement.ts'

/** How many members of the group have streams of each server. Pure. */
export function replicasPerServer(
  members: readonly Pick<GroupMemberView, 'streams'>[],
  serverOf: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  const replicas = new Map<string, number>()
  for (const { streams } of members) {
    const servers = new Set(streams.flatMap((stream) => serverOf.get(stream) ?? []))
    for (const server of servers) replicas.set(server, (replicas.get(server) ?? 0) + 1)
  }
  return replicas
}
