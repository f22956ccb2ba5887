import Domain
import Foundation
import Store
import Testing

@testable import Delivery

@Suite struct GateTests {
    @Test(.timeLimit(.minutes(10))) func `restarting and correcting the clock a little holds nothing`() async throws {
        try await House.with { house in
            try await house.gate().check()
            house.time.move(by: .seconds(-290))
            try await house.gate().check()
            house.time.move(by: .seconds(86_400))
            try await house.gate().check()
            #expect(try await house.gate().heldReason() == nil)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a clock that went back holds delivery until it is released`() async throws {
        try await House.with { house in
            try await house.gate().check()
            house.time.move(by: .seconds(-3600))
            let server = StubMailServer()
            let id = try await house.plan("a")
            try await house.running(try house.service([house.smtp(server)])) {
                try await until { try await house.gate().heldReason() != nil }
                try await Task.sleep(for: .milliseconds(200))
                #expect(server.connections == 0)
                #expect(try await house.row(id).state == .planned)
                #expect(try await house.gate().heldReason()?.hasPrefix("the clock went back from ") == true)
                try await house.gate().release()
                try await house.settled([id])
            }
            #expect(server.accepted.count == 1)
            try await house.gate().check()
            #expect(try await house.gate().heldReason() == nil)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a clock that goes back while the service runs holds delivery`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            try await house.running(try house.service([house.smtp(server)])) {
                let first = try await house.plan("a")
                try await house.settled([first])
                house.time.move(by: .seconds(-3600))
                let second = try await house.plan("b") { $0.dueAt = $0.dueAt - .seconds(60) }
                try await until { try await house.gate().heldReason() != nil }
                #expect(try await house.row(second).state == .planned)
            }
            #expect(server.accepted.count == 1)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `an older copy of the database is noticed`() async throws {
        try await House.with { house in
            try await house.gate().check()
            let backup = try await house.store.read { try $0.meta.get("instance.1") }
            try await house.gate().check()
            try await house.store.write { try $0.meta.set("instance.1", try #require(backup)) }
            try await house.gate().check()  // the mark before the last: a crash between file and database looks like this
            #expect(try await house.gate().heldReason() == nil)
            for _ in 0..<2 { try await house.gate().check() }
            try await house.store.write { try $0.meta.set("instance.1", try #require(backup)) }
            try await house.gate().check()
            #expect(try await house.gate().heldReason()?.hasPrefix("the database does not belong to this data directory") == true)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a database without its data directory is held, a new one is not`() async throws {
        try await House.with { house in
            try await house.gate().check()
            try FileManager.default.removeItem(atPath: house.folder + "/instance-1")
            try await house.gate().check()
            #expect(try await house.gate().heldReason() != nil)
            try await house.gate().release()
            try await house.gate().check()
            #expect(try await house.gate().heldReason() == nil)
        }
    }
}
