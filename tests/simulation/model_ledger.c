/* The statements of src/ledger/sql/. */
#include "base/assert.h"
#include "statement.h"

static enum status read_clock(struct call *call, struct error *err)
{
    (void)err;
    answer_add(call, NULL, NULL, "");
    answer_add_cell(call, cell_time(server_now_us()));
    return OK;
}

static void fill_account(const struct call *call, struct cell *cells)
{
    cells[column_at(call_table(call, T_LEDGER_ACCOUNT), "status")] = cell_text("open");
}

/* Locked in ascending order of the lanes, each as it is once it is locked. */
static enum status lock_chains(struct call *call, struct error *err)
{
    const struct table *chains = call_table(call, T_CHAIN);
    const struct cells lanes = call_array(call, 1);
    const bool locks = statement_says(call, "FOR NO KEY UPDATE");
    struct row *row;
    for (size_t at = 0; (row = next_row(chains, call, &at)) != NULL;) {
        if (!cells_have(&lanes, COLUMN(row, call, "lane")))
            continue;
        if (locks)
            TRY(row_lock(row, call->tx, call->until_us, err));
        answer_add(call, chains, row_seen(row, call->tx), "lane chain_seq hash");
        answer_add_cell(call, cell_i64(0));
    }
    return OK;
}

static void add_to(struct cell *cell, struct cell minor)
{
    *cell = cell_i64(cell_to_i64(*cell) + cell_to_i64(minor));
}

static enum status save_balances(struct call *call, struct error *err)
{
    struct table *table = call_table(call, T_BALANCE);
    const struct insertion insertion = {table, call->tx, call->until_us, true};
    const struct cells lanes = call_array(call, 1), accounts = call_array(call, 2);
    const struct cells currencies = call_array(call, 3), layers = call_array(call, 4);
    const struct cells debits = call_array(call, 5), credits = call_array(call, 6);
    for (int at = 0; at < lanes.count; at++) {
        const struct cell cells[COLUMNS_MAX] = {
            lanes.items[at],  accounts.items[at], currencies.items[at],
            layers.items[at], debits.items[at],   credits.items[at],
        };
        struct row *found = NULL;
        TRY(row_insert(&insertion, cells, &found, err));
        if (found == NULL)
            continue;
        struct cell *changed = row_change(found);
        add_to(&changed[column_at(table, "debit_minor")], debits.items[at]);
        add_to(&changed[column_at(table, "credit_minor")], credits.items[at]);
    }
    return OK;
}

const struct model LEDGER_MODELS[] = {
    {"ledger.open_accounts", MODEL_INSERT, T_LEDGER_ACCOUNT,
     "lane[] id[] code[] kind[] currency[] normal_side[]", NULL, fill_account},
    {"ledger.lock_chains", MODEL_OWN, .run = lock_chains},
    {"ledger.find_accounts", MODEL_SELECT, T_LEDGER_ACCOUNT,
     "lane[]= id[]=", "lane id status currency"},
    {"ledger.find_steps", MODEL_SELECT, T_STEP, "lane[]= saga_id[]= step[]= op[]=",
     "lane saga_id step op outcome reason amount_minor currency journal_id version"},
    {"ledger.find_holds", MODEL_SELECT, T_HOLD, "lane[]= authorization_id[]=",
     "lane authorization_id account_id currency status recorded_minor pending_minor version "
     "journal_id"},
    {"ledger.read_clock", MODEL_OWN, .run = read_clock},
    {"ledger.save_steps", MODEL_INSERT, T_STEP,
     "lane[] saga_id[] step[] op[] command_id[] authorization_id[] outcome[] reason[] "
     "amount_minor[] currency[] journal_id[] version[] created_at[]"},
    {"ledger.save_holds", MODEL_INSERT, T_HOLD,
     "lane[] authorization_id[] account_id[] currency[] status[] recorded_minor[] "
     "pending_minor[] version[] journal_id[]"},
    {"ledger.change_holds", MODEL_INSERT, T_HOLD,
     "lane[] authorization_id[] account_id[] currency[] status[] recorded_minor[] "
     "pending_minor[] version[] journal_id[]"},
    {"ledger.save_journals", MODEL_INSERT, T_JOURNAL,
     "lane[] chain_seq[] id[] type[] authorization_id[] saga_id[] command_id[] currency[] "
     "trace_id[] previous_hash[] hash[] created_at[]"},
    {"ledger.save_entries", MODEL_INSERT, T_ENTRY,
     "lane[] chain_seq[] line[] ledger_account_id[] side[] layer[] amount_minor[] currency[]"},
    {"ledger.save_balances", MODEL_OWN, .run = save_balances},
    {"ledger.move_chains", MODEL_UPDATE, T_CHAIN, "lane[]= chain_seq[] hash[]"},
    {NULL, MODEL_OWN},
};
