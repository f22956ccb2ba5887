import Desk
import Domain
import Formats
import FoundationEssentials
import Glibc
import Rules
import Store

extension Operations {
    static let replyBytesMax = 1 << 20

    /// What an answer carries beside its words.
    public struct ReplyExtras: Sendable {
        /// Paths of files.
        var attach: [String]
        var quotes: Bool?
        var toAll: Bool

        public init(attach: [String] = [], quotes: Bool? = nil, toAll: Bool = false) {
            self.attach = attach
            self.quotes = quotes
            self.toAll = toAll
        }
    }

    /// Answers a ticket as an agent would from the inbox.
    public static func reply(
        _ ticket: String, text: String?, draft: String?, agent: String?, solve: Bool, extras: ReplyExtras = ReplyExtras(),
        configuration: String
    ) async throws -> String {
        let words = text ?? readStandardInput()
        guard !words.allSatisfy(\.isWhitespace) else {
            throw CommandError("there is no answer to send; give --text or write it on standard input")
        }
        guard words.utf8.count <= replyBytesMax else { throw CommandError("the answer is longer than \(replyBytesMax >> 20) MiB") }
        let number = try ticketNumber(ticket)
        let settings = try Settings.load(configuration, needsSecrets: false)
        return try await withStore(configuration) { store in
            let draft = draft ?? "command-\(store.time.now().microseconds)"
            let desk = Desk(store: store, settings: settings.desk(RoutingRules()))
            let files = try await stored(extras.attach, sizeBytesMax: settings.replies.filesBytesMax, in: store)
            let options = ReplyOptions(quotes: extras.quotes, toAll: extras.toAll, files: files)
            let result = try await store.write { tx in
                guard let found = try tx.tickets.get(number: number) else { return ReplyResult.unknownTicket }
                return try desk.reply(
                    tx, ticket: found.id, agent: author(agent, tx), draft: draft, text: words, solve: solve, options: options)
            }
            switch result {
            case .planned(let reply): return "The answer to #\(number) is on its way (\(reply.send)); the draft \(draft) is sent once."
            case .unknownTicket: throw CommandError("there is no ticket #\(number)")
            case .noAddress:
                throw CommandError("the customer of #\(number) has no mail address, and what they wrote by takes no answers")
            case .closed(let account, .time(let end)):
                throw CommandError("\(account) took answers to the customer's last message until \(end); wait until they write again")
            case .closed(let account, .count(let most)):
                throw CommandError("\(account) takes \(most) answers to one message; wait until the customer writes again")
            case .noFiles: throw CommandError("the customer's network takes words only; send the answer without files, or a link to them")
            case .tooLongForChannel(let limit): throw CommandError("the customer's network takes \(limit) characters at most")
            case .empty: throw CommandError("there is no answer to send; give --text or write it on standard input")
            case .tooLong: throw CommandError("the answer is longer than \(Desk.textBytesMax >> 10) KiB")
            case .filesTooLarge:
                let most = "\(Desk.filesMax) files of \(settings.replies.filesBytesMax >> 10) KiB together"
                throw CommandError("one answer carries at most \(most); attach less, or raise `replies: attachments_max`")
            }
        }
    }

    /// Each file's bytes in the blob store, before a row names them.
    private static func stored(_ paths: [String], sizeBytesMax: Int, in store: Store) async throws -> [Attachment] {
        guard paths.count <= Desk.filesMax else { throw CommandError("one answer carries at most \(Desk.filesMax) files") }
        var files: [Attachment] = []
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0, status.st_size <= sizeBytesMax, let bytes = FileManager.default.contents(atPath: path) else {
                let why = status.st_size > sizeBytesMax ? "it is larger than \(sizeBytesMax >> 10) KiB" : String(cString: strerror(errno))
                throw CommandError("cannot attach \(path): \(why)")
            }
            let name = String(path.split(separator: "/").last ?? "file")
            let hash = try await store.blobs.put(Array(bytes))
            files.append(Attachment(name: name, type: MediaTypes.of(fileName: name), sizeBytes: bytes.count, hash: hash))
        }
        return files
    }

    /// The agent of that login; without one the answer is the operator's.
    static func author(_ login: String?, _ tx: Transaction) throws -> Agent {
        guard let login else { return Agent(id: ID(0), login: "operator", name: "Support", locale: "en") }
        guard let agent = try tx.agents.byLogin(login)?.agent else {
            throw CommandError("there is no agent \(login); `hongyan user list` shows them")
        }
        return agent
    }

    /// Every decision about a ticket or a customer, oldest first.
    public static func why(_ subject: String, configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            try await store.read { tx in
                if let number = Int64(subject.hasPrefix("#") ? String(subject.dropFirst()) : subject) {
                    guard let ticket = try tx.tickets.get(number: number) else { throw CommandError("there is no ticket #\(number)") }
                    return try WhyReport(ticket: ticket, tx).text
                }
                let wanted = Identity(kind: subject.contains("@") ? .email : .handle, value: subject.lowercased())
                guard let id = try tx.customers.find([wanted]), let customer = try tx.customers.get(id) else {
                    if let state = try tx.addresses.get(subject) { return AddressReport(state).text }
                    throw CommandError("no customer is known as \(subject); give a ticket's number or a customer's mail address")
                }
                return try WhyReport(customer: customer, tx).text
            }
        }
    }

    static func ticketNumber(_ text: String) throws -> Int64 {
        guard let number = Int64(text.hasPrefix("#") ? String(text.dropFirst()) : text) else {
            throw CommandError("`\(text)` is not a ticket's number; write 1042")
        }
        return number
    }

    static func readStandardInput() -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= replyBytesMax {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// `hongyan why`: one line a decision.
struct WhyReport {
    let text: String

    init(ticket: Ticket, _ tx: Transaction) throws {
        var lines = [
            "#\(ticket.number) \(ticket.subject)", "\(ticket.status.rawValue), queue \(ticket.queue), \(ticket.priority.rawValue)", "",
        ]
        if let other = try tx.moves.leading(ticket.id), other.id != ticket.id { lines.insert("merged into #\(other.number)", at: 2) }
        lines += try Self.lines(tx.reasons.about(.ticket, ticket.id.rawValue))
        for interaction in try tx.interactions.ofTicket(ticket.id, limit: 1000) {
            lines += [
                "",
                "\(interaction.occurredAt)  \(interaction.direction.rawValue)  \(interaction.author.displayName): \(interaction.subject)",
            ]
            lines += try Self.lines(tx.reasons.about(.interaction, interaction.id.rawValue))
        }
        for send in try tx.sends.ofTicket(ticket.id) { lines += try Self.lines(send, tx) }
        text = lines.joined(separator: "\n")
    }

    init(customer: Customer, _ tx: Transaction) throws {
        var lines = [customer.name, customer.identities.map { "\($0.kind.rawValue) \($0.value)" }.joined(separator: ", "), ""]
        for identity in customer.identities where identity.kind == .email {
            if let state = try tx.addresses.get(identity.value) { lines += [AddressReport(state).text, ""] }
        }
        lines += try Self.lines(tx.reasons.about(.customer, customer.id.rawValue))
        for enrolment in try tx.enrolments.ofCustomer(customer.id) {
            lines += [
                "",
                "journey \(enrolment.journey), \(enrolment.state.rawValue), entered \(enrolment.enteredAt), version \(enrolment.version)",
            ]
            lines += try Self.lines(tx.reasons.about(.enrolment, enrolment.id.rawValue))
        }
        for order in try tx.orders.ofCustomer(customer.id, limit: 100) {
            let total = "\(order.money(order.total).decimal) \(order.currency)"
            lines += ["", "order \(order.number) of \(order.account), \(order.status.rawValue), \(total), placed \(order.placedAt)"]
            lines += try Self.lines(tx.reasons.about(.order, order.id.rawValue))
        }
        for send in try tx.sends.ofCustomer(customer.id) { lines += try Self.lines(send, tx) }
        for ticket in try tx.tickets.list(.customer(customer.id), limit: 100) {
            lines += ["", "#\(ticket.number) \(ticket.subject) (\(ticket.status.rawValue)): hongyan why \(ticket.number)"]
        }
        text = lines.joined(separator: "\n")
    }

    private static func lines(_ reasons: [Reason]) -> [String] { reasons.map { "  \($0.at)  \($0.decision): \($0.text)" } }

    private static func lines(_ send: Send, _ tx: Transaction) throws -> [String] {
        let recipient = send.recipient.isEmpty ? "nobody" : send.recipient
        let answer = send.response.map { ": \($0)" } ?? ""
        return try [
            "",
            "send \(send.key), \(send.purpose.rawValue), to \(recipient): \(send.state.rawValue)\(answer)",
        ]
            + tx.returns.of(send.id).map { "  \($0.at)  came back: \($0.kind.rawValue), \($0.reason.rawValue): \($0.words)" }
            + lines(try tx.reasons.about(.send, send.id.rawValue))
    }
}
