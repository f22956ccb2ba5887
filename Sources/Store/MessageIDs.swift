public import Domain

/// Which conversation a Message-ID belongs to, also for messages we only know by reference.
public struct MessageIDs {
    let transaction: Transaction

    public func find(_ messageID: String, account: String) throws -> (ticket: ID<Ticket>?, interaction: ID<Interaction>?)? {
        throw StoreError.notBuilt
    }

    /// Fills in what is missing and never moves what is known. With neither it leaves a placeholder.
    public func record(_ messageID: String, account: String, interaction: ID<Interaction>?, ticket: ID<Ticket>?) throws {
        throw StoreError.notBuilt
    }
}
