import Domain
import Store
import Testing

@testable import Desk

@Suite(.timeLimit(.minutes(10))) struct LoopTests {
    private static func answering(_ change: @escaping (inout DeskSettings) -> Void = { _ in }) -> (inout DeskSettings) -> Void {
        { settings in
            settings.acknowledgements["support"] = Acknowledgement(template: "received", occasion: .message, every: .zero)
            settings.replyTexts = ["received": ReplyText("We have {{ticket}}.", translations: ["zh": "已收到 {{ticket}}。"])]
            change(&settings)
        }
    }

    private func acknowledgements(_ office: Office) async throws -> [Send] {
        try await office.store.read { try $0.sends.list(state: nil, limit: 1000).filter { $0.kind == .acknowledgement }.reversed() }
    }

    private func deliver(_ office: Office, _ mails: [Mail]) async throws {
        try await office.deliver(mails)
        try await office.placeAll()
    }

    @Test("a person's message is acknowledged once in its time, in its thread, by a row of the ledger")
    func acknowledges() async throws {
        try await Office.with(
            everywhere: true, settings: Self.answering { $0.acknowledgements["support"]?.every = .seconds(3600) }
        ) { office in
            try await deliver(office, [Mail(key: "a", references: ["x"])])
            let send = try #require(try await acknowledgements(office).first)
            #expect(send.state == .planned)
            #expect(send.recipient == "ann@example.com")
            #expect(send.text == "We have {{ticket}}.")
            #expect(send.vars["ticket"] == "#1001")
            #expect(send.vars["subject"] == "Re: Lamp [#1001]")
            #expect(send.subject == "{{subject}}")
            #expect(send.inReplyTo == "a@mail")
            #expect(send.references == ["x@mail", "a@mail"])
            #expect(send.ticket == (try await office.ticket(1001))?.id)
            #expect(send.messageID.flatMap(office.store.signer.verifyMessageID)?.id == send.id.rawValue)
            #expect(try await office.ticket(1001)?.status == .new)
            try await deliver(office, [Mail(key: "b", inReplyTo: ["a"]), Mail(key: "c", subject: "Chair")])
            #expect(try await acknowledgements(office).count == 1)
            office.time.advance(.seconds(3601))
            try await deliver(office, [Mail(key: "d", subject: "Sofa")])
            #expect(try await acknowledgements(office).count == 2)
        }
    }

    @Test("by default a ticket is acknowledged when it is opened, and nothing is without the setting")
    func occasions() async throws {
        try await Office.with(settings: Self.answering { $0.acknowledgements["support"]?.occasion = .ticket }) { office in
            try await deliver(office, [Mail(key: "a"), Mail(key: "b", inReplyTo: ["a"]), Mail(key: "n", account: "news")])
            #expect(try await acknowledgements(office).map(\.key.first) == ["a"])
        }
    }

    struct Silent: Sendable, CustomTestStringConvertible {
        var mail: Mail
        var testDescription: String
    }

    @Test(
        "nobody but a person who wrote to us today is acknowledged",
        arguments: Interaction.Nature.allCases.filter { $0 != .human }.map {
            Silent(mail: Mail(key: "a", inReplyTo: ["z"], nature: $0), testDescription: $0.rawValue)
        } + [
            Silent(mail: Mail(key: "a", from: "help@shop.example"), testDescription: "our own address"),
            Silent(mail: Mail(key: "a", from: "help+x@shop.example"), testDescription: "our own address with a detail"),
            Silent(mail: Mail(key: "a", from: "noreply@two.example"), testDescription: "noreply"),
            Silent(mail: Mail(key: "a", from: "news-request@two.example"), testDescription: "a list's address"),
            Silent(mail: Mail(key: "a", age: .seconds(86_401)), testDescription: "a mail of yesterday"),
            Silent(mail: Mail(key: "a", to: ["all@list.example"]), testDescription: "a mail to somebody else"),
            Silent(mail: Mail(key: "a", from: "", phone: "+4912345", kind: .form), testDescription: "a form without an address"),
        ])
    func staysSilent(_ silent: Silent) async throws {
        try await Office.with(settings: Self.answering()) { office in
            try await deliver(office, [silent.mail])
            #expect(try await acknowledgements(office).isEmpty)
        }
    }

    @Test("a machine that answers every acknowledgement gets the capped number, and its breaker names it")
    func caps() async throws {
        try await Office.with(everywhere: true, settings: Self.answering { $0.loops.inbound = [] }) { office in
            for round in 0..<14 {
                try await deliver(office, [Mail(key: "m\(round)", from: "Robot@two.example", inReplyTo: round == 0 ? [] : ["m0"])])
                office.time.advance(.seconds(2))
            }
            let rows = try await acknowledgements(office)
            // Grouped first: two closures that differ in one word, one of them inside an expectation, are taken for each other by the compiler.
            let byState = Dictionary(grouping: rows, by: \.state)
            #expect(byState[.planned]?.count == 10)
            #expect(byState[.skipped]?.count == 4)
            for row in byState[.skipped] ?? [] { #expect(row.response?.hasPrefix("breaker: robot@two.example") == true) }
            let breakers = try await office.store.read { try $0.loops.breakers() }
            #expect(breakers.map(\.address) == ["robot@two.example"])
            #expect(breakers.first?.reason == "10 in 10 min automatic mails went to it already")
            #expect(try await office.events().filter { $0 == .loopTripped }.count == 1)
            // Everybody else is answered.
            try await deliver(office, [Mail(key: "p")])
            #expect(try await acknowledgements(office).last?.state == .planned)
            // Cleared, it begins anew.
            #expect(try await office.store.write { try $0.loops.clear("robot@two.example") })
            try await deliver(office, [Mail(key: "n", from: "robot@two.example", subject: "New")])
            #expect(try await acknowledgements(office).last?.state == .planned)
            #expect(try await office.store.read { try $0.loops.breakers() }.isEmpty)
        }
    }

    @Test("too many messages from one address on one ticket trip its breaker, even when nothing answers them")
    func pace() async throws {
        try await Office.with(everywhere: true) { office in
            for round in 0..<12 {
                try await deliver(office, [Mail(key: "m\(round)", from: "robot@two.example", inReplyTo: round == 0 ? [] : ["m0"])])
                office.time.advance(.seconds(20))
                let isOpen = try await office.store.read { try $0.loops.breaker("robot@two.example") } != nil
                #expect(isOpen == (round >= 10), "\(round)")
            }
            let why = try await office.reasons(.ticket, try #require(try await office.ticket(1001)).id.rawValue)
            #expect(
                why.contains { $0.hasPrefix("loop: breaker: robot@two.example") && $0.contains("more than 10 in 10 min messages") },
                "\(why)")
            office.time.advance(.seconds(86_400))
            #expect(try await office.store.read { try $0.loops.breakers() }.isEmpty)
        }
    }

    @Test("old mail that is read today trips nothing")
    func imports() async throws {
        try await Office.with { office in
            try await deliver(
                office,
                (0..<40).map { Mail(key: "m\($0)", inReplyTo: $0 == 0 ? [] : ["m0"], age: .seconds(2 * 86_400 - $0)) }
                    + (0..<40).map { Mail(key: "t\($0)", from: "bo@two.example", subject: "s\($0)", age: .seconds(2 * 86_400)) })
            #expect(try await office.ticket(1001) != nil)
            #expect(try await office.store.read { try $0.loops.breakers() }.isEmpty)
        }
    }

    @Test("somebody who opens tickets without end is no person")
    func opening() async throws {
        try await Office.with(everywhere: true) { office in
            try await deliver(office, (0..<20).map { Mail(key: "m\($0)", from: "robot@two.example", subject: "alarm \($0)") })
            #expect(try await office.store.read { try $0.loops.breakers() }.isEmpty)
            try await deliver(office, [Mail(key: "m20", from: "robot@two.example", subject: "alarm 20")])
            #expect(try await office.store.read { try $0.loops.breakers() }.map(\.address) == ["robot@two.example"])
        }
    }

    @Test("a ticket is not opened again without end; what comes is kept there all the same")
    func reopening() async throws {
        try await Office.with(everywhere: true) { office in
            try await deliver(office, [Mail(key: "a", from: "robot@two.example")])
            for round in 0..<7 {
                #expect(try await office.setStatus(1001, .solved) == (round <= 5 ? .changed : .unchanged))
                office.time.advance(.seconds(120))
                try await deliver(office, [Mail(key: "m\(round)", from: "robot@two.example", inReplyTo: ["a"])])
                #expect(try await office.ticket(1001)?.status == (round < 5 ? .open : .solved), "\(round)")
            }
            #expect(try await office.ticket(1001)?.messageCount == 8)
            #expect(try await office.events().filter { $0 == .ticketReopened }.count == 5)
            #expect(try await office.store.read { try $0.loops.breakers() }.map(\.address) == ["robot@two.example"])
        }
    }
}
