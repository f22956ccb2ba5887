import Domain
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(10)))
struct InteractionTests {
    @Test(arguments: Engine.available)
    func `a message comes back as it was stored`(engine: Engine) async throws {
        try await withStore(engine) { house in
            var whole = message(5, "INBOX/1/5")
            whole.fingerprint = "f5"
            whole.author = Interaction.Author(name: "李 Ana", email: "ana@example.com", phone: "+491", handle: "ana", network: "weibo")
            whole.recipients = ["care@example.com", "\"odd\"@example.com"]
            whole.html = "<p>Where?</p>"
            whole.newWords = "Where?"
            whole.signature = "-- \nAna"
            whole.language = "zh"
            whole.mood = Mood(score: -0.5, label: .negative, confidence: 0.9, words: [.init(text: "晚", weight: -1.25)], model: "zh-1")
            whole.messageID = "m5@example.com"
            whole.inReplyTo = ["m4@example.com"]
            whole.references = ["m1@example.com", "m4@example.com"]
            whole.fields = [Interaction.Field(name: "Order", value: "12\n34"), Interaction.Field(name: "", value: "😀")]
            whole.permalink = "https://example.com/5"
            whole.attachments = [
                Attachment(name: "a.png", type: "image/png", sizeBytes: 9, hash: "ab", contentID: "c1", isInline: true),
                Attachment(name: "b.pdf", type: "application/pdf", sizeBytes: 10, hash: "cd"),
            ]
            let stored = whole
            #expect(try await house.store.write { try $0.interactions.add(stored, spool: nil) } == .added)
            #expect(try await house.store.read { try $0.interactions.get(ID(5)) } == stored)
            whole.customer = ID(7)
            whole.ticket = ID(8)
            whole.language = "en"
            whole.nature = .autoReply
            let placed = whole
            try await house.store.write { try $0.interactions.place(placed) }
            #expect(try await house.store.read { try $0.interactions.get(ID(5)) } == placed)
            #expect(try await house.store.write { try $0.interactions.makeWhole(ID(5)) })
            #expect(try await house.store.write { try $0.interactions.makeWhole(ID(5)) } == false)
            whole.newWords = nil
            whole.signature = nil
            let undone = whole
            #expect(try await house.store.read { try $0.interactions.get(ID(5)) } == undone)
        }
    }

    @Test(arguments: Engine.available)
    func `a message is unique by external id and by fingerprint within its account`(engine: Engine) async throws {
        try await withStore(engine) { house in
            var first = message(1, "INBOX/1/1")
            first.fingerprint = "same"
            var copy = message(2, "Sent/1/9")
            copy.fingerprint = "same"
            var elsewhere = copy
            elsewhere.id = ID(3)
            elsewhere.account = "sales"
            let bare = [message(4, "x"), message(5, "y")]
            let all = [first, copy, message(9, "INBOX/1/1"), elsewhere] + bare
            let added = try await house.store.write { transaction in try all.map { try transaction.interactions.add($0, spool: nil) } }
            #expect(added == [.added, .duplicate(of: ID(1)), .duplicate(of: ID(1)), .added, .added, .added])
            #expect(try await house.store.read { try $0.interactions.count() } == 4)
        }
    }

    @Test(arguments: Engine.available)
    func `two nodes that digest the same message store it once`(engine: Engine) async throws {
        guard engine != .memory else { return }
        try await withStore(engine) { house in
            let other = try await house.neighbour()
            let added = try await withThrowingTaskGroup { group in
                for number in 0..<40 {
                    let store = number % 2 == 0 ? house.store : other
                    group.addTask {
                        try await store.write { transaction in
                            try transaction.interactions.add(message(transaction.newID().forTests, "m\(number / 2)"), spool: nil) == .added
                                ? 1 : 0
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(added == 20)
            await other.close()
        }
    }

    @Test(arguments: Engine.available)
    func `a new message is claimed once, placed once, and set aside when it cannot be placed`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            @Sendable func claim() async throws -> [Int64] {
                try await store.write { try $0.interactions.claimNew(owner: "me", lease: .seconds(60), limit: 10) }.map(\.id.rawValue)
            }
            try await store.write { transaction in
                for number in 1...3 { try transaction.interactions.add(message(Int64(number), "m\(number)"), spool: nil) }
                try transaction.interactions.addPlaced(message(4, "out"))
            }
            #expect(try await claim() == [1, 2, 3])
            #expect(try await claim() == [])
            try await store.write { try $0.interactions.place(message(1, "m1")) }
            let late = await #expect(throws: StoreError.self) { try await store.write { try $0.interactions.place(message(1, "m1")) } }
            #expect(late?.description == "interaction 1 is placed already; somebody else took it over")
            let nobody = await #expect(throws: StoreError.self) { try await store.write { try $0.interactions.place(message(99, "m99")) } }
            #expect(nobody?.description == "there is no interaction 99 to place")
            #expect(try await store.read { try $0.interactions.unplacedCount() } == 2)

            for _ in 2...Interactions.attemptsMax {
                house.time.pass(.seconds(61))
                #expect(try await claim() == [2])
                #expect(try await claim() == [3])
            }
            house.time.pass(.seconds(61))
            #expect(try await claim() == [])
            let reasons = try await store.read { try $0.reasons.about(.interaction, 2) }
            #expect(reasons.map(\.text) == ["Tried 10 times to find its place and never finished; it is kept as it is."])
            #expect(try await store.read { try $0.interactions.unplacedCount() } == 2)
        }
    }

    @Test(arguments: Engine.available)
    func `a conversation is the newest messages, oldest first`(engine: Engine) async throws {
        try await withStore(engine) { house in
            try await house.store.write { transaction in
                for number in [3, 1, 2, 4] {
                    var message = message(Int64(number), "m\(number)")
                    message.occurredAt = TestTime.start + .seconds(number)
                    message.ticket = number == 4 ? nil : ID(8)
                    try transaction.interactions.addPlaced(message)
                }
            }
            let (all, newest, unfiled) = try await house.store.read { transaction in
                let interactions = transaction.interactions
                return (
                    try interactions.ofTicket(ID(8), limit: 10), try interactions.ofTicket(ID(8), limit: 2),
                    try interactions.unfiled(limit: 10)
                )
            }
            #expect(all.map(\.id.rawValue) == [1, 2, 3])
            #expect(newest.map(\.id.rawValue) == [2, 3])
            #expect(unfiled.map(\.id.rawValue) == [4])
        }
    }

    @Test(arguments: Engine.available)
    func `a Message-ID's placeholder is filled in and what is known never moves`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.messageIDs.record("m1@x", account: "support", interaction: nil, ticket: nil) }
            let unknown = try await store.read { try $0.messageIDs.find("m2@x", account: "support") }
            let placeholder = try await store.read { try $0.messageIDs.find("m1@x", account: "support") }
            #expect(unknown == nil)
            #expect(placeholder?.ticket == nil)
            try await store.write { transaction in
                try transaction.messageIDs.record("m1@x", account: "support", interaction: nil, ticket: ID(7))
                try transaction.messageIDs.record("m1@x", account: "support", interaction: ID(5), ticket: ID(8))
                try transaction.messageIDs.record("m1@x", account: "support", interaction: ID(6), ticket: nil)
            }
            let known = try await store.read { try $0.messageIDs.find("m1@x", account: "support") }
            #expect(known?.ticket == ID(7))
            #expect(known?.interaction == ID(5))
            let elsewhere = try await store.read { try $0.messageIDs.find("m1@x", account: "sales") }
            #expect(elsewhere == nil)
        }
    }
}

extension ID<Interaction> {
    fileprivate var forTests: Int64 { rawValue }
}
