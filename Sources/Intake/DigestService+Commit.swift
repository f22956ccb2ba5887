import Channels
import Domain
import Logging
import Store

extension DigestService {
    /// Stores a batch: one transaction. When the database refuses it, each item is stored alone, so that one that cannot be stored takes
    /// no other with it.
    /// - Returns: what is still to be stored, and why, when the database itself is in trouble.
    func commit(_ batch: [Digested]) async -> (rest: [Digested], trouble: String?) {
        for digested in batch { tell(digested) }
        var rest: [Digested] = []
        var trouble: String?
        for group in Self.groups(batch) {
            do { try await save(group) } catch {
                for digested in group {
                    guard let reason = await saveAlone(digested) else { continue }
                    rest.append(digested)
                    trouble = reason
                }
            }
        }
        return (rest, trouble)
    }

    /// - Returns: nil when the item is settled, else the database's trouble.
    private func saveAlone(_ digested: Digested) async -> String? {
        do {
            try await save([digested])
            return nil
        } catch {
            if let error = error as? StoreError, error.isTemporary { return "\(error)" }
            // If the database takes this small write, it was the item it did not take.
            let failed = Digested(item: digested.item, result: .failure(ItemError(description: "it cannot be stored: \(error)")))
            do {
                try await save([failed])
                tell(failed)
                return nil
            } catch { return "\(error)" }
        }
    }

    /// So that no transaction holds many more than `entriesMax` entries.
    static func groups(_ batch: [Digested]) -> [[Digested]] {
        var groups: [[Digested]] = [[]]
        var entries = 0
        for digested in batch {
            if entries > 0, entries + digested.entries.count > entriesMax {
                groups.append([])
                entries = 0
            }
            groups[groups.count - 1].append(digested)
            entries += max(1, digested.entries.count)
        }
        return groups
    }

    private func save(_ group: [Digested]) async throws {
        var group = group
        // A long document goes in several transactions; the item is done with the last. After a crash between them what is there is known.
        if group.count == 1 {
            while group[0].entries.count > Self.entriesMax {
                let part = Array(group[0].entries.prefix(Self.entriesMax))
                let item = group[0].item
                try await store.write { [store] transaction in
                    for entry in part { try Self.add(entry, of: item, to: transaction, signer: store.signer) }
                }
                group[0].result = .success(Array(group[0].entries.dropFirst(Self.entriesMax)))
            }
        }
        try await store.write { [group, store] transaction in
            for digested in group { try Self.save(digested, to: transaction, signer: store.signer) }
        }
    }

    private static func save(_ digested: Digested, to transaction: Transaction, signer: Signer) throws {
        let item = digested.item
        switch digested.result {
        case .success(let entries):
            for entry in entries { try add(entry, of: item, to: transaction, signer: signer) }
            let connectedAt = item.meta[MetaKey.connectedAt].flatMap { Int64($0) }.map { Timestamp(microseconds: $0) }
            let orders = OrderIntake(
                transaction: transaction, connectedAt: connectedAt, isImported: item.meta[MetaKey.imported] != nil)
            for record in digested.records { try orders.take(record) }
            if !digested.again.isEmpty { try transaction.spool.add(item.account, digested.again) }
            try transaction.spool.done(item.id, keepBytes: digested.keepsBytes)
        case .failure(let error):
            let isQuarantined =
                digested.isHopeless
                ? try transaction.spool.quarantine(item.id, error: error.description)
                : try transaction.spool.fail(item.id, error: error.description)
            guard isQuarantined else { return }
            try transaction.events.append(
                Event(
                    at: transaction.now, kind: .messageQuarantined,
                    data: [
                        "account": item.account, "external_id": item.externalID, "spool": "\(item.id)", "error": error.description,
                    ]))
        }
    }

    /// - Returns: the message as it was stored; nil when it was known.
    @discardableResult
    static func add(
        _ entry: Digested.Entry, of item: SpooledItem, to transaction: Transaction, signer: Signer
    ) throws -> Interaction? {
        var interaction = entry.interaction
        if item.meta[MetaKey.whole] != nil, let known = try transaction.interactions.complete(interaction) {
            try transaction.reasons.add(
                Reason(
                    at: transaction.now, about: .interaction, subject: known.rawValue, decision: "whole",
                    text: "the whole mail was fetched, \(item.sizeBytes) bytes; it stands in place of its first part"))
            return nil
        }
        interaction.id = transaction.newID()
        let returns = Returns(transaction: transaction, signer: signer)
        let about = try entry.returned.flatMap { try returns.find($0, told: interaction) }
        // So that it is filed with the conversation it belongs to.
        if let id = about?.send.messageID, !interaction.references.contains(id) { interaction.references.append(id) }
        switch try transaction.interactions.add(interaction, spool: item.id) {
        case .added:
            try transaction.events.append(
                Event(
                    at: transaction.now, kind: .messageStored, interaction: interaction.id,
                    data: ["account": item.account, "kind": interaction.kind.rawValue, "nature": interaction.nature.rawValue]))
            try transaction.reasons.add(
                Reason(
                    at: transaction.now, about: .interaction, subject: interaction.id.rawValue, decision: "nature", text: entry.reason))
            if let reason = entry.splitReason {
                try transaction.reasons.add(
                    Reason(at: transaction.now, about: .interaction, subject: interaction.id.rawValue, decision: "cut", text: reason))
            }
            if let returned = entry.returned { try returns.take(returned, about: about, told: interaction) }
            if interaction.nature == .human { try returns.heard(interaction) }
            return interaction
        case .duplicate(let known):
            // Feeds and exports repeat themselves with every poll; a mail that comes twice is worth a line.
            guard item.kind == .mail else { return nil }
            try transaction.reasons.add(
                Reason(
                    at: transaction.now, about: .interaction, subject: known.rawValue, decision: "duplicate",
                    text: "the same mail arrived again as \(item.externalID) and was not doubled"))
            return nil
        }
    }

    func tell(_ digested: Digested) {
        let item = digested.item
        for note in digested.notes { logger.warning("A part of a document was skipped.", metadata: ["reason": "\(note)"]) }
        guard case .failure(let error) = digested.result else { return }
        logger.warning(
            "An item could not be read.",
            metadata: [
                "account": "\(item.account)", "external_id": "\(item.externalID)", "spool": "\(item.id)", "attempt": "\(item.attempts)",
                "error": "\(error)",
            ])
    }
}

extension Digested {
    var entries: [Entry] { (try? result.get()) ?? [] }
}
