import Foundation
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(10)))
struct InHandTests {
    private static func path() -> String { FileManager.default.temporaryDirectory.appending(path: "in-hand-\(UUID().uuidString)").path }

    /// What a process that is killed leaves.
    private static func left(by path: String) throws -> String {
        let copy = Self.path()
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        return copy
    }

    @Test func `what is in hand when a process ends takes the long way in the next, until it is cleared`() throws {
        let path = Self.path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = InHand(path: path)
        let notes = [first.hold("客服邮箱"), first.hold("support"), first.hold("support")]
        first.hold("shop")?.release()
        #expect(notes.allSatisfy { $0 != nil })
        let copy = try Self.left(by: path)
        defer { try? FileManager.default.removeItem(atPath: copy) }
        withExtendedLifetime(notes) {}
        let second = InHand(path: copy)
        #expect(second.hold("support") == nil)
        #expect(second.hold("客服邮箱") == nil)
        #expect(second.hold("shop") != nil)
        second.clear("support")
        #expect(second.hold("support") != nil)
        #expect(second.hold("客服邮箱") == nil)
    }

    @Test func `a suspect that was not polled stays one for the process after the next`() throws {
        var path = Self.path()
        let first = InHand(path: path)
        let note = try #require(first.hold("shop"))
        for _ in 0..<3 {
            path = try Self.left(by: path)
            let next = InHand(path: path)
            #expect(next.hold("support") != nil)
            #expect(next.hold("shop") == nil)
        }
        path = try Self.left(by: path)
        InHand(path: path).clear(except: ["shop"])
        #expect(InHand(path: path).hold("shop") == nil)
        InHand(path: path).clear(except: ["support"])
        #expect(InHand(path: path).hold("shop") != nil)
        note.release()
    }

    @Test func `a note ends with who has it`() throws {
        let path = Self.path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let hands = InHand(path: path)
        do { _ = try #require(hands.hold("shop")) }
        #expect(try Data(contentsOf: URL(filePath: path)).allSatisfy { $0 == 0 })
    }

    @Test func `one process takes notes at a time, and the other one when that is over`() {
        let path = Self.path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var first: InHand? = InHand(path: path)
        #expect(first?.hold("shop") != nil)
        let second = InHand(path: path)
        #expect(second.hold("shop") == nil)
        first = nil
        #expect(second.hold("shop") != nil)
    }

    @Test func `there is room for so many, and for names that fit`() throws {
        let path = Self.path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let hands = InHand(path: path)
        #expect(hands.hold(String(repeating: "x", count: InHand.slotBytes)) == nil)
        var notes = (0..<InHand.slotsMax).compactMap { hands.hold("account \($0)") }
        #expect(notes.count == InHand.slotsMax)
        #expect(hands.hold("one more") == nil)
        notes[5].release()
        notes[5].release()
        notes.append(try #require(hands.hold("one more")))
        #expect(hands.hold("two more") == nil)
        withExtendedLifetime(notes) {}
    }

    @Test func `a folder that cannot be written means more care, not an error`() {
        #expect(InHand(path: "/proc/nowhere/in-hand").hold("shop") == nil)
    }
}
