import type { Admin, ITopicConfig } from 'kafkajs'
import { vi } from 'vitest'

/**
 * Creates topics and waits until their leaders answer. A broker may not know a new topic at first; then kafkajs' own
 * `waitForLeaders` rejects.
 */
export async function createTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics, waitForLeaders: false })
  for (const { topic } of topics)
    await vi.waitFor(() => admin.fetchTopicOffsets(topic), { timeout: 30_000, interval: 100 })
}
