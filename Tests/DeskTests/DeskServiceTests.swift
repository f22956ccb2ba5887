import Domain
import Foundation
import Insight
import ServiceLifecycle
import Store
import Testing

@testable import Desk

@Suite(.timeLimit(.minutes(10))) struct DeskServiceTests {
    @Test("a message that arrives while the desk waits is placed, and the desk ends when told to")
    func runs() async throws {
        try await Office.with { office in
            let group = ServiceGroup(services: [office.service()], logger: Office.quiet)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                var seen = office.store.signals.ticket(.events)
                try await office.deliver([Mail(key: "a")])
                while try await office.store.read({ try $0.tickets.count() }) == 0 {
                    seen = await office.store.signals.wait(.events, after: seen, atMost: .seconds(1))
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    @Test("what we say in place of words that stayed encrypted is not scored; opened words are")
    func closedWords() async throws {
        try await Office.with { office in
            var (closed, opened) = (Mail(key: "a", body: "angry"), Mail(key: "b", subject: "Chair", body: "angry"))
            closed.fields = [Interaction.sealField: MailSeal(.encrypted, by: .openPGP).stored]
            opened.fields = [Interaction.sealField: MailSeal(.encrypted, by: .openPGP, finding: .good(by: "")).stored]
            try await office.deliver([closed, opened])
            try await office.placeAll()
            #expect(try await office.stored("a")?.mood == nil)
            #expect(try await office.stored("b")?.mood?.score == -0.8)
        }
    }

    @Test("new rules take effect with the next message")
    func reloads() async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            var settings = office.desk.settings
            settings.queues["support"] = "Triage"
            office.desk.reload(settings)
            try await office.deliver([Mail(key: "b", subject: "Chair")])
            try await office.placeAll()
            #expect(try await office.ticket(1001)?.queue == "Support")
            #expect(try await office.ticket(1002)?.queue == "Triage")
        }
    }

    @Test(
        "the domain of our ids is the sender's",
        arguments: [
            ("Care <care@Shop.example>", "shop.example"), ("care@shop.example", "shop.example"), ("Care", "localhost"), ("", "localhost"),
            ("\"a@b\" <c@d.example> ", "d.example"),
        ])
    func domains(from: String, domain: String) { #expect(DeskSettings.domain(of: from) == domain) }
}
