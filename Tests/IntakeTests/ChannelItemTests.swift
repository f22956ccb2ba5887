import Channels
import Domain
import Store
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct ChannelItemTests {
    private static func item(_ id: String, _ json: String) -> RawItem {
        RawItem(
            externalID: id, kind: .post, bytes: Array(json.utf8), meta: [MetaKey.format: ChannelItem.format, MetaKey.channel: "mastodon"])
    }

    @Test func `what a channel brought becomes a message with its writer, its thread and its place`() async throws {
        try await House.with { house in
            try await house.spool(
                "social",
                Self.item(
                    "mentions/2",
                    """
                    {"external_id":"2","thread_id":"1","parent_id":"1","occurred_at":"2026-11-20T08:00:00Z","author.id":"7","author.handle":"@zoe",\
                    "author.name":"Zoe","text":"还没到货","html":"<p>还没到货</p>","language":"zh-Hans","permalink":"https://s.example/2","rating":2,\
                    "fields":{"visibility":"public"},"attachments":[{"url":"https://s.example/p.jpg"}]}
                    """))
            try await house.drain(house.digest())
            let message = try #require(try await house.interactions().first)
            #expect(message.kind == .post && message.nature == .human && message.externalID == "mentions/2")
            #expect(message.author == Interaction.Author(name: "Zoe", handle: "zoe", network: "mastodon"))
            #expect(message.body == "还没到货" && message.language == "zh" && message.permalink == "https://s.example/2")
            #expect(message.messageID == "2@mastodon.channel" && message.inReplyTo == ["1@mastodon.channel"])
            #expect(message.fields.map(\.name) == ["visibility", "rating", "attachment"])
            #expect(message.occurredAt == Timestamp(seconds: 1_795_161_600))
        }
    }

    @Test func `a form's answers are fields of the person who gave them`() async throws {
        try await House.with { house in
            try await house.spool(
                "form",
                Self.item(
                    "r/1", "{\"external_id\":\"1\",\"author.email\":\"Ann@Example.com\",\"text\":\"Hi\",\"fields\":{\"Why?\":\"Jobs\"}}"))
            try await house.spool("form", Self.item("r/2", "{\"external_id\":"))
            try await house.drain(house.digest())
            let messages = try await house.interactions()
            #expect(messages.map(\.kind) == [.form] && messages[0].author.email == "ann@example.com")
            #expect(messages[0].fields == [.init(name: "Why?", value: "Jobs")])
            #expect(try await house.store.read { try $0.spool.quarantined(limit: 9) }.map(\.externalID) == ["r/2"])
        }
    }
}
