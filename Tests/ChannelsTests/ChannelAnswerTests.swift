import Domain
import Formats
import Logging
import Synchronization
import Testing
import Transport

@testable import Channels

/// Answers through a channel: what is sent, what a source's word means for the ledger, and the session that polls and answers share.
struct ChannelAnswerTests {
    static let file = """
        channel: t
        docs: https://example.org
        base: https://api.example.org
        config: {token: {type: secret}}
        auth:
          kind: session
          login: {method: POST, path: /login, json: {p: "{{ config.token }}"}}
          save: [jwt]
          send: {header: {Authorization: "Bearer {{ session.jwt }}"}}
        streams:
          s:
            request: {path: /list}
            records: $.items[*]
            cursor: {kind: id, path: id, send: {query: since}}
            map: {external_id: id, occurred_at: at | date(iso), text: text}
        reply:
          request:
            method: POST
            path: /say
            json: {to: "{{ item.external_id }}", text: "{{ reply.text }}", name: "{{ reply.id }}", key: "{{ reply.tid }}"}
          sent_id: id
        """

    private struct Stop: Error {}

    private final class Board: Sendable {
        let asked = Mutex<[String]>([])
        let left = Mutex(0)
        func say(_ call: ChannelCall) -> String {
            let line = "\(call.method) \(call.url) \(String(decoding: call.body ?? [], as: UTF8.self))"
            asked.withLock { $0.append(line) }
            return line
        }
    }

    private static func run(
        _ board: Board, room: ChannelRoom = ChannelRoom(), _ answer: @escaping @Sendable (ChannelCall) throws -> ChannelAnswer
    ) throws -> ChannelRun {
        let tools = ChannelRun.Tools(
            send: { call in
                _ = board.say(call)
                if call.url.hasSuffix("/login") { return ChannelAnswer(status: 200, body: Array("{\"jwt\":\"j1\"}".utf8)) }
                return try answer(call)
            }, keep: { _ in }, now: { Timestamp(seconds: 1_795_000_000) }, room: room)
        return ChannelRun(
            try ChannelFile.read(Self.file, file: "t.yaml"), config: ["token": .string("s3cret-token")], account: "a",
            state: ChannelState(),
            tools: tools)
    }

    private static let item = JSONValue.object([.init("external_id", .string("7"))])

    private static func answer(_ run: inout ChannelRun, _ board: Board) async throws -> String? {
        try await run.answer(item, text: "hello", id: "h1", at: Timestamp(seconds: 1_700_000_000)) { board.left.withLock { $0 += 1 } }
    }

    @Test func `an answer carries the same names at every try, and its receipt is read`() async throws {
        let board = Board()
        for _ in 0..<2 {
            var run = try Self.run(board) { _ in ChannelAnswer(status: 200, body: Array("{\"id\":99}".utf8)) }
            #expect(try await Self.answer(&run, board) == "99")
        }
        let said = board.asked.withLock { $0.filter { $0.contains("/say") } }
        #expect(said.count == 2)
        #expect(said[0] == said[1])
        #expect(said[0].contains("\"to\":\"7\"") && said[0].contains("\"name\":\"h1\""))
        #expect(board.left.withLock { $0 } == 2)
    }

    @Test func `a record key is a timestamp identifier: sortable by time, 13 of 32 letters`() {
        let early = ChannelRun.tid("h1", Timestamp(seconds: 1_700_000_000))
        let late = ChannelRun.tid("h1", Timestamp(seconds: 1_700_000_001))
        #expect(early.utf8.count == 13)
        #expect(early < late)
        #expect(early == ChannelRun.tid("h1", Timestamp(seconds: 1_700_000_000)))
        #expect(early != ChannelRun.tid("h2", Timestamp(seconds: 1_700_000_000)))
        #expect(early.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x32...0x37).contains($0) })
    }

    @Test(
        arguments: [
            (429, "{}", ChannelTrouble.Fate.refused), (503, "{}", .refused), (500, "{}", .unknown), (502, "<html>", .unknown),
            (422, "{\"error\":\"too long\"}", .refused), (200, "<html>Log in</html>", .unknown), (200, "{\"id\":", .unknown),
        ] as [(Int, String, ChannelTrouble.Fate)])
    func fates(status: Int, body: String, fate: ChannelTrouble.Fate) async throws {
        let board = Board()
        var run = try Self.run(board) { _ in ChannelAnswer(status: status, body: Array(body.utf8)) }
        do {
            _ = try await Self.answer(&run, board)
            Issue.record("\(status) \(body) is no receipt")
        } catch let trouble as ChannelTrouble {
            #expect(trouble.fate == fate)
        }
    }

    @Test func `nothing leaves when the ledger does not allow it`() async throws {
        let board = Board()
        var run = try Self.run(board) { _ in ChannelAnswer(status: 200, body: Array("{\"id\":99}".utf8)) }
        await #expect(throws: Stop.self) { _ = try await run.answer(Self.item, text: "x", id: "h1") { throw Stop() } }
        #expect(board.asked.withLock { $0.filter { $0.contains("/say") } }.isEmpty)
    }

    @Test func `who polls and who answers have one session, and one of them renews it`() async throws {
        let (board, room) = (Board(), ChannelRoom())
        await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var run = try Self.run(board, room: room) { _ in
                        ChannelAnswer(status: 200, body: Array("{\"id\":99,\"items\":[]}".utf8))
                    }
                    _ = try await Self.answer(&run, board)
                }
            }
        }
        #expect(board.asked.withLock { $0.count { $0.contains("/login") } } == 1)
        #expect(board.asked.withLock { $0.count { $0.contains("/say") } } == 8)
    }

    @Test func `a file says by itself whether an answer may be repeated`() throws {
        #expect(try ChannelFile.read(Self.file, file: "t.yaml").reply?.mayRepeat == true)
        let plain = Self.file.replacing("name: \"{{ reply.id }}\", key: \"{{ reply.tid }}\"", with: "n: 1")
        #expect(try ChannelFile.read(plain, file: "t.yaml").reply?.mayRepeat == false)
    }
}
