import Foundation
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(10)))
struct InHandTests {
    private static func path() -> String { FileManager.default.temporaryDirectory.appending(path: "in-hand-\(UUID().uuidString)").path }

    @Test func `what is in hand when a process ends is known to the next`() throws {
        let path = Self.path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var first: InHand? = InHand(path: path)
        #expect(first?.begin() == [])
        let done = try #require(first?.hold("shop"))
        #expect(first?.hold("客服邮箱") != nil)
        #expect(first?.hold("support") != nil)
        first?.release(done)
        first = nil  // as a process that is killed leaves its files
        let second = InHand(path: path)
        #expect(second.begin() == ["客服邮箱", "support"])
        let third = InHand(path: path)
        #expect(third.begin() == [])  // another process takes the notes
        #expect(third.hold("shop") == nil)
    }

    @Test func `what is over is forgotten, and so is what was known once`() throws {
        let path = Self.path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var hands: InHand? = InHand(path: path)
        _ = hands?.begin()
        _ = hands?.hold("shop")
        hands = nil
        for expected: Set<String> in [["shop"], []] {
            hands = InHand(path: path)
            #expect(hands?.begin() == expected)
            hands = nil
        }
    }

    @Test func `there is room for so many, and for names that fit`() throws {
        let path = Self.path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let hands = InHand(path: path)
        #expect(hands.hold("early") == nil)
        _ = hands.begin()
        #expect(hands.hold(String(repeating: "x", count: InHand.slotBytes)) == nil)
        let slots = (0..<InHand.slotsMax).compactMap { hands.hold("account \($0)") }
        #expect(Set(slots).count == InHand.slotsMax)
        #expect(hands.hold("one more") == nil)
        hands.release(slots[5])
        #expect(hands.hold("one more") == slots[5])
    }

    @Test func `a folder that cannot be written means more care, not an error`() {
        let hands = InHand(path: "/proc/nowhere/in-hand")
        #expect(hands.begin() == [])
        #expect(hands.hold("shop") == nil)
    }
}
