import Domain
import Store
import Testing

@testable import Desk

@Suite(.timeLimit(.minutes(10))) struct PlacingTests {
    @Test("a first mail makes a customer and a ticket, and says why")
    func firstMail() async throws {
        try await Office.with(rules: "- {name: lamps, when: {subject: lamp}, then: {queue: Light, priority: high, assign: ada}}") {
            office in
            try await office.deliver([Mail(key: "a", body: "I am  angry.\n\nThe lamp is broken.", age: .seconds(60))])
            try await office.placeAll()
            let ticket = try #require(try await office.ticket(1001))
            #expect(ticket.queue == "Light")
            #expect(ticket.priority == .high)
            #expect(ticket.assignee == office.agent.id)
            #expect(ticket.status == .new)
            #expect(ticket.customerName == "Ann Lee")
            #expect(ticket.snippet == "I am angry. The lamp is broken.")
            #expect(ticket.messageCount == 1)
            #expect(ticket.lastMood == -0.8)
            #expect(ticket.lastInboundAt == Office.start - .seconds(60))
            let customer = try #require(try await office.store.read { try $0.customers.get(ticket.customer) })
            #expect(customer.identities == [Identity(kind: .email, value: "ann@example.com")])
            #expect(customer.language == "en")
            let message = try #require(try await office.stored("a"))
            #expect(
                try await office.reasons(.interaction, message.id.rawValue) == [
                    "identity: a new customer, Ann Lee: address ann@example.com is new here",
                    "thread: opened #1001: nothing it refers to is known", "mood: negative −0.80 by en-1: “angry” −",
                ])
            #expect(
                try await office.reasons(.ticket, ticket.id.rawValue) == [
                    "route: rule `lamps` matched subject word “lamp”: queue Light, priority high, assigned to ada"
                ])
            #expect(try await office.events() == [.customerCreated, .ticketOpened])
            let events = try await office.store.read { try $0.events.read(after: 0, limit: 2) }
            #expect(events.allSatisfy { $0.customer == customer.id && $0.ticket == ticket.id && $0.interaction == message.id })
        }
    }

    @Test("a rule that names an unknown agent leaves the ticket unassigned and says so")
    func unknownAgent() async throws {
        try await Office.with(rules: "- {name: all, then: {assign: zoe}}") { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            let ticket = try #require(try await office.ticket(1001))
            #expect(ticket.assignee == nil)
            let reasons = try await office.reasons(.ticket, ticket.id.rawValue)
            #expect(
                reasons == [
                    "route: rule `all` matches everything: queue Support, assigned to zoe (there is no agent `zoe`: left unassigned)"
                ])
        }
    }

    @Test(
        "what a customer's message makes of each status",
        arguments: [(.new, .new), (.open, .open), (.pending, .open), (.solved, .open)] as [(Ticket.Status, Ticket.Status)])
    func reopens(before: Ticket.Status, after: Ticket.Status) async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            if before != .new { _ = try await office.setStatus(1001, before) }
            try await office.deliver([Mail(key: "b", body: "happy now", inReplyTo: ["a"])])
            try await office.placeAll()
            let ticket = try #require(try await office.ticket(1001))
            #expect(ticket.status == after)
            #expect(ticket.messageCount == 2)
            #expect(ticket.lastMood == 0.7)
            #expect(ticket.lowestMood == 0)
            #expect(try await office.events().contains(.ticketReopened) == (before == .solved))
        }
    }

    @Test(
        "automatic mail changes nothing but the conversation it joins",
        arguments: Interaction.Nature.allCases.filter { $0 != .human })
    func loopGuard(nature: Interaction.Nature) async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            _ = try await office.reply(1001, draft: "d", solve: true)
            let before = try #require(try await office.ticket(1001))
            let events = try await office.events()
            office.time.advance(.seconds(60))
            try await office.deliver([
                Mail(key: "joins", body: "angry", inReplyTo: ["a"], nature: nature),
                Mail(key: "stranger", from: "robot@example.net", body: "angry", nature: nature),
            ])
            try await office.placeAll()

            var after = try #require(try await office.ticket(1001))
            #expect(after.messageCount == before.messageCount + 1)
            after.messageCount = before.messageCount
            #expect(after == before)
            #expect(try await office.store.read { try $0.tickets.count() } == 1)
            #expect(try await office.store.read { try $0.customers.count() } == 1)
            #expect(try await office.events() == events + [.ticketJoined])
            #expect(try await office.ticketNumber(of: "stranger") == nil)
            #expect(try await office.stored("joins")?.mood == nil)
        }
    }

    @Test("a copy of our own mail is not shown twice")
    func ownCopy() async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            let reply = try #require(try await office.reply(1001, draft: "d").reply)
            let own = try #require(try await office.store.read { try $0.sends.get(reply.send)?.messageID })
            try await office.store.write { transaction in
                var copy = Mail(key: "copy", from: "care@shop.example", inReplyTo: ["a"], nature: .ownLoop)
                    .interaction(transaction.newID(), now: transaction.now, ids: [:])
                copy.messageID = own
                try transaction.interactions.add(copy, spool: nil)
            }
            try await office.placeAll()
            #expect(try await office.ticketNumber(of: "copy") == nil)
            #expect(try await office.ticket(1001)?.messageCount == 2)
        }
    }

    @Test("a message that gives a second identity makes it the customer's, unless somebody has it")
    func identities() async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "bob", from: "bob@example.com", name: "Bob", phone: "+4930123", subject: "Chair")])
            try await office.placeAll()
            try await office.deliver([Mail(key: "a", phone: "+4940456")])
            try await office.placeAll()
            try await office.deliver([
                Mail(key: "b", from: "", name: nil, phone: "+4940456", kind: .form), Mail(key: "c", phone: "+4930123"),
            ])
            try await office.placeAll()
            #expect(try await office.store.read { try $0.customers.count() } == 2)
            let ann = try #require(try await office.stored("a")?.customer)
            #expect(try await office.stored("b")?.customer == ann)
            let message = try #require(try await office.stored("c"))
            #expect(message.customer == ann)
            #expect(
                try await office.reasons(.interaction, message.id.rawValue).first
                    == "identity: Ann Lee, known by address ann@example.com; phone +4930123 belongs to somebody else and stays there")
        }
    }

    @Test("messages of a form go to the form's queue")
    func formQueue() async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a", subject: "", account: "form:contact", kind: .form)])
            try await office.placeAll()
            let ticket = try #require(try await office.ticket(1001))
            #expect(ticket.queue == "Web")
            #expect(ticket.subject == "The lamp is broken.")
        }
    }

    @Test("a claim that outlives its owner is placed once, whoever comes first")
    func crash() async throws {
        try await Office.with(everywhere: true) { office in
            let mails = (0..<10).map { Mail(key: "m\($0)", from: "c\($0 % 3)@example.com", inReplyTo: $0 > 2 ? ["m\($0 - 3)"] : []) }
            try await office.deliver(mails)
            // A desk that died after its claim: the messages wait for the lease to end.
            let lost = try await office.store.write { try $0.interactions.claimNew(owner: "dead", lease: DeskService.lease, limit: 64) }
            #expect(lost.count == 10)
            #expect(try await office.service().placeNext() == 0)
            office.time.advance(DeskService.lease + .seconds(1))
            try await office.placeAll()
            // The dead one wakes up and carries on where it was.
            let settings = office.desk.settings
            let signer = office.store.signer
            let late = try await office.store.write { transaction in
                try lost.map { message in
                    try Placing(transaction: transaction, settings: settings, signer: signer, arrivedAt: transaction.now)
                        .place(ScoredMessage(message: message)).isPlaced
                }
            }
            #expect(late.allSatisfy { !$0 })
            #expect(try await office.store.read { try $0.tickets.count() } == 3)
            #expect(try await office.store.read { try $0.customers.count() } == 3)
            #expect(try await office.events().filter { $0 == .customerCreated }.count == 3)
            #expect(try await office.events().filter { $0 == .ticketOpened }.count == 3)
            #expect(try await office.events().filter { $0 == .ticketJoined }.count == 7)
            for number in 1001...1003 as ClosedRange<Int64> {
                #expect(try await office.ticket(number)?.messageCount == (number == 1001 ? 4 : 3))
            }
        }
    }

    @Test("a batch of more than one claim is placed whole, and lists have one order")
    func manyMails() async throws {
        try await Office.with { office in
            let count = DeskService.batchMax * 2 + 7
            try await office.deliver((0..<count).map { Mail(key: "m\($0)", from: "c\($0)@example.com") })
            try await office.placeAll()
            let tickets = try await office.store.read { try $0.tickets.list(.all, limit: 1000) }
            #expect(tickets.count == count)
            #expect(Set(tickets.map(\.number)).count == count)
        }
    }

    @Test("two nodes that place the parts of one conversation at the same time make one ticket and one customer of it")
    func twoNodes() async throws {
        try await Office.with(everywhere: true) { office in
            let other = try await office.neighbour()
            for round in 0..<10 {
                // Claimed apart, so that each node has one half of the conversation.
                try await office.deliver([
                    Mail(key: "a\(round)", from: "c\(round)@example.com", subject: "one", references: ["lost\(round)"])
                ])
                let first = try await office.claim(office.store)
                try await office.deliver([
                    Mail(key: "b\(round)", from: "c\(round)@example.com", subject: "two", references: ["lost\(round)"])
                ])
                let second = try await office.claim(other.store)
                async let here: Void = office.service().place(first)
                async let there: Void = office.service(other, owner: "desk-2").place(second)
                _ = try await (here, there)
                let number = try #require(try await office.ticketNumber(of: "a\(round)"))
                #expect(try await office.ticketNumber(of: "b\(round)") == number)
            }
            #expect(try await office.store.read { try $0.tickets.count() } == 10)
            #expect(try await office.store.read { try $0.customers.count() } == 10)
            #expect(try await office.events().filter { $0 == .customerCreated }.count == 10)
            await other.store.close()
        }
    }
}
