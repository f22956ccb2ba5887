import Foundation
import Glibc
import Synchronization
import TestServers

/// A small IMAP server on loopback with one folder, which can misbehave in the ways real ones do.
final class IMAPStub: Sendable {
    enum Quirk { case refused, withheld, cutOff }

    struct Mailbox {
        var uidValidity: UInt32 = 1699
        var mails: [UInt32: [UInt8]] = [:]
        var quirks: [UInt32: Quirk] = [:]
        var seen: Set<UInt32> = []
        /// Mails that were moved away, by their old UID, and where to.
        var moved: [UInt32: String] = [:]
        /// Other folders that exist.
        var folders: Set<String> = []
        /// What UIDNEXT says when it is not the truth.
        var saysNext: UInt32?
        fileprivate var highest: UInt32 = 0
        /// Offers IDLE and never announces anything.
        var idlesSilently = false
        var greeting = "* OK ready"
        var acceptsLogin = true
        var capabilities = "IMAP4rev1 IDLE"
        /// What clients sent, without tags.
        var commands: [String] = []
        var connections = 0
        /// Raised by `change`, so that an IDLE can tell.
        var version = 0
        /// Closes the connection at the next command.
        var hangsUpOnce = false
    }

    private static let linesBytesMax = 64 << 10

    private let door = LoopbackDoor()
    var port: Int { door.port }
    private let box: Mutex<Mailbox>

    init(_ mailbox: Mailbox = Mailbox()) {
        box = Mutex(mailbox)
        door.open { [weak self] client in
            guard let self else { return _ = close(client) }
            serve(client)
        }
    }

    func stop() { door.stop() }

    var url: String { "imap://127.0.0.1:\(port)" }
    var mailbox: Mailbox { box.withLock { $0 } }

    func change(_ body: (inout Mailbox) -> Void) {
        box.withLock {
            $0.highest = max($0.highest, $0.mails.keys.max() ?? 0)
            body(&$0)
            $0.highest = max($0.highest, $0.mails.keys.max() ?? 0)
            if !$0.idlesSilently { $0.version += 1 }
        }
    }

    /// Blocking work of the stub, never on the cooperative pool.
    private func serve(_ client: Int32) {
        defer { close(client) }
        box.withLock { $0.connections += 1 }
        send(mailbox.greeting, to: client)
        var buffer: [UInt8] = []
        while let line = readLine(client, &buffer) {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { return }
            let hangsUp = box.withLock { box in
                box.commands.append(words[1])
                defer { box.hangsUpOnce = false }
                return box.hangsUpOnce
            }
            if hangsUp { return }
            guard answer(words[0], words[1], client, &buffer) else { return }
        }
    }

    /// False ends the connection.
    private func answer(_ tag: String, _ command: String, _ client: Int32, _ buffer: inout [UInt8]) -> Bool {
        let box = mailbox
        let upper = command.uppercased()
        var words = upper.split(separator: " ").map(String.init)
        if words.first == "UID" { words.removeFirst() }
        switch words.first ?? "" {
        case "CAPABILITY": send("* CAPABILITY \(box.capabilities)", to: client)
        case "LOGIN":
            guard box.acceptsLogin else { return send("\(tag) NO [AUTHENTICATIONFAILED] wrong password", to: client) }
        case "EXAMINE", "SELECT":
            guard upper.contains("INBOX") else { return send("\(tag) NO no such mailbox", to: client) }
            send("* \(box.mails.count) EXISTS", to: client)
            send("* OK [UIDVALIDITY \(box.uidValidity)] ok", to: client)
            send("* OK [UIDNEXT \(box.saysNext ?? max(box.highest, box.mails.keys.max() ?? 0) + 1)] ok", to: client)
        case "SEARCH":
            let range = words.firstIndex(of: "UID").map { words[$0 + 1].split(separator: ":").map { UInt32($0) ?? .max } } ?? [1, .max]
            let isUnseen = words.contains("UNSEEN")
            var uids = box.mails.keys.filter { range[0] <= $0 && $0 <= range[range.count - 1] && !(isUnseen && box.seen.contains($0)) }
                .sorted(by: >)
            if uids.isEmpty, range[range.count - 1] == .max, let last = box.mails.keys.max() { uids = [last] }  // as `n:*` must
            send("* SEARCH" + uids.map { " \($0)" }.joined(), to: client)
        case "FETCH": return fetch(tag, words, box, client)
        case "STORE", "MOVE", "EXPUNGE", "CREATE":
            guard alter(words, command) else { return send("\(tag) NO [TRYCREATE] no such mailbox", to: client) }
        case "IDLE": return idle(tag, box.version, client, &buffer)
        case "LOGOUT":
            send("* BYE", to: client)
            send("\(tag) OK", to: client)
            return false
        default: break
        }
        return send("\(tag) OK done", to: client)
    }

    private func alter(_ words: [String], _ command: String) -> Bool {
        box.withLock { box in
            let target = command.split(separator: "\"").last.map(String.init) ?? ""
            if words[0] == "CREATE" {
                box.folders.insert(target)
                return true
            }
            let uids = Self.uids(words[1], box)
            switch words[0] {
            case "STORE" where command.contains("\\Seen"): box.seen.formUnion(uids)
            case "STORE": break
            case "MOVE":
                guard box.folders.contains(target) else { return false }
                for uid in uids {
                    box.mails[uid] = nil
                    box.moved[uid] = target
                }
            default: for uid in uids { box.mails[uid] = nil }
            }
            return true
        }
    }

    private func fetch(_ tag: String, _ words: [String], _ box: Mailbox, _ client: Int32) -> Bool {
        let body = words.first { $0.contains("BODY.PEEK[]") }
        for (number, uid) in Self.uids(words[1], box).enumerated() {
            let bytes = box.mails[uid] ?? []
            guard let body else {
                send(
                    "* \(number + 1) FETCH (UID \(uid) FLAGS (\\Seen) INTERNALDATE \"20-Nov-2026 08:00:00 +0000\" RFC822.SIZE \(bytes.count))",
                    to: client)
                continue
            }
            let numbers = body.split { !$0.isNumber }.compactMap { Int($0) }
            let isPart = body.contains("<")
            switch box.quirks[uid] {
            case .refused where !isPart: return send("\(tag) NO [SERVERBUG] cannot read message", to: client)
            case .withheld where !isPart: continue
            case .cutOff:
                send("* \(number + 1) FETCH (UID \(uid) BODY[] {\(bytes.count)}", to: client)
                write(Array(bytes.prefix(10)), to: client)
                return false
            default: break
            }
            let part = isPart ? bytes.dropFirst(numbers[0]).prefix(numbers[1]) : bytes[...]
            send("* \(number + 1) FETCH (UID \(uid) FLAGS (\\Seen) BODY[]\(isPart ? "<\(numbers[0])>" : "") {\(part.count)}", to: client)
            write(Array(part), to: client)
            send(")", to: client)
        }
        return send("\(tag) OK done", to: client)
    }

    private func idle(_ tag: String, _ version: Int, _ client: Int32, _ buffer: inout [UInt8]) -> Bool {
        send("+ idling", to: client)
        while mailbox.version == version {
            var ready = pollfd(fd: client, events: Int16(POLLIN), revents: 0)
            if poll(&ready, 1, 20) > 0 { break }
        }
        if mailbox.version != version { send("* \(mailbox.mails.count) EXISTS", to: client) }
        guard readLine(client, &buffer)?.uppercased() == "DONE" else { return false }
        return send("\(tag) OK done", to: client)
    }

    private static func uids(_ set: String, _ box: Mailbox) -> [UInt32] {
        let ranges = set.split(separator: ",").map { $0.split(separator: ":").map { UInt32($0) ?? .max } }
        return box.mails.keys.sorted().filter { uid in ranges.contains { $0[0] <= uid && uid <= $0[$0.count - 1] } }
    }

    private func readLine(_ client: Int32, _ buffer: inout [UInt8]) -> String? {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let line = buffer[..<end].filter { $0 != 13 }
                buffer.removeSubrange(...end)
                return String(decoding: line, as: UTF8.self)
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(client, &chunk, chunk.count)
            guard count > 0, buffer.count < Self.linesBytesMax else { return nil }
            buffer += chunk[..<count]
        }
    }

    @discardableResult
    private func send(_ line: String, to client: Int32) -> Bool { write(Array((line + "\r\n").utf8), to: client) }

    @discardableResult
    private func write(_ bytes: [UInt8], to client: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
